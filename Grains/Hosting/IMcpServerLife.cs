namespace Obot.Grains.Hosting;

/// <summary>What a server grain says to itself: the outcome of work outside its turns comes back as a turn.</summary>
internal interface IMcpServerLife : IGrainWithStringKey
{
    /// <param name="deployment">Null when the start failed.</param>
    [Alias("StartEnded")]
    Task StartEnded(long generation, Deployment? deployment, string? reason, long manifestRevision);

    /// <param name="fault">Null when the generation is in health.</param>
    [Alias("ProbeEnded")]
    Task ProbeEnded(long generation, string? fault, bool restartNow);
}
