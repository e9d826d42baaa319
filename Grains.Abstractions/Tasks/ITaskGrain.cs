namespace Obot.Grains.Abstractions.Tasks;

/// <summary>One task (key: its id): begins its runs, each due time once, and sees to their end.</summary>
public interface ITaskGrain : IGrainWithStringKey
{
    /// <summary>The schedule may have changed: looks what is due and when to look again.</summary>
    [Alias("Refresh")]
    Task Refresh();

    /// <summary>Begins a run on demand.</summary>
    /// <param name="prompt">With its parameters filled in.</param>
    [Alias("Start")]
    Task<TaskRunView?> Start(string prompt);
}
