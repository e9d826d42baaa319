namespace Obot.Grains.Abstractions.Exports;

/// <summary>
/// One export (key: its id). Works beside its turns, one object after the other, and writes down how far it is after each; a reminder
/// goes on with it when its silo died.
/// </summary>
public interface IExportGrain : IGrainWithStringKey
{
    /// <summary>Begins, or goes on; nothing when it runs already. Returns at once.</summary>
    [Alias("Run")]
    Task Run();

    /// <summary>Stops what runs here; the row says that it is cancelled.</summary>
    [Alias("Stop")]
    Task Stop();
}

/// <summary>One schedule of exports (key: its id). A reminder looks every minute whether a period is over.</summary>
public interface IExportScheduleGrain : IGrainWithStringKey
{
    /// <summary>Registers the reminder, or ends it where the schedule is gone or off, and exports what is due.</summary>
    [Alias("Refresh")]
    Task Refresh();
}
