namespace Obot.Grains.Hosting;

/// <summary>What a generation is made from.</summary>
/// <param name="Manifest">JSON, without secrets.</param>
[GenerateSerializer, Immutable, Alias("Obot.StartedFrom")]
internal sealed record StartedFrom([property: Id(0)] long Revision, [property: Id(1)] string? Runtime, [property: Id(2)] string? Manifest);

/// <summary>What a server grain says to itself: the outcome of work outside its turns comes back as a turn.</summary>
internal interface IMcpServerLife : IGrainWithStringKey
{
    /// <param name="deployment">Null when the start failed.</param>
    [Alias("StartEnded")]
    Task StartEnded(long generation, Deployment? deployment, string? reason, StartedFrom from);

    /// <param name="fault">Null when the generation is in health.</param>
    [Alias("ProbeEnded")]
    Task ProbeEnded(long generation, string? fault, bool restartNow);
}
