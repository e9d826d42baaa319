namespace Obot.Grains.Abstractions.Catalog;

/// <summary>
/// The sources of one catalog (key: its id). Reads them when somebody asks and by a reminder; one synchronization at a time in the whole
/// cluster. The reading runs outside the turn, so every method answers at once.
/// </summary>
public interface ICatalogSourceGrain : IGrainWithStringKey
{
    /// <summary>
    /// Begins a synchronization; one that runs already goes on, and another one follows it, because it may have read the sources
    /// before they changed.
    /// </summary>
    /// <returns>Number of the run that begins after this call; ask <see cref="GetProgress"/> until it is done.</returns>
    [Alias("Sync")]
    Task<long> Sync();

    [Alias("GetProgress")]
    Task<CatalogProgress> GetProgress();

    /// <summary>Ends the schedule: the catalog was removed, or has no sources any more.</summary>
    [Alias("Forget")]
    Task Forget();
}

/// <param name="Done">Number of the last run that ended on this activation.</param>
/// <param name="Running">Whether one runs now.</param>
/// <param name="Trouble">Why the last run could not write down what it found; null when it could.</param>
[GenerateSerializer, Immutable, Alias("Obot.CatalogProgress")]
public sealed record CatalogProgress([property: Id(0)] long Done, [property: Id(1)] bool Running, [property: Id(2)] string? Trouble);
