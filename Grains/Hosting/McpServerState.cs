using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>
/// What a server grain writes down. Stored as JSON: members may be added, and get their default when an older release wrote the
/// row; none is ever renamed or given another meaning.
/// </summary>
internal sealed record McpServerState
{
    /// <summary>Counts up with every start, before anything of it exists.</summary>
    public long Generation { get; init; }
    public DeploymentStatus Status { get; init; }
    public string? Reason { get; init; }
    public Deployment? Deployment { get; init; }

    /// <summary>Where the generation under way is being started; the same place as <see cref="Deployment"/> afterwards.</summary>
    public string? Host { get; init; }

    /// <summary>Backend that the last start was given to.</summary>
    public string? Backend { get; init; }

    /// <summary>Starts that failed or broke down since the last one that held.</summary>
    public int Failures { get; init; }

    /// <summary>Breakdowns since somebody stopped it, or it fell asleep.</summary>
    public int Restarts { get; init; }
    public DateTimeOffset? RetryAt { get; init; }
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When a start under way counts as lost.</summary>
    public DateTimeOffset? StartDeadline { get; init; }
    public long ManifestRevision { get; init; }

    /// <summary>
    /// Generation of <see cref="Deployment"/> while that goes on serving and <see cref="Generation"/> is a later one, which is being started
    /// beside it or did not come up; null when they are the same.
    /// </summary>
    public long? Serving { get; init; }

    /// <summary>Runtime of the generation that runs, and the JSON of its manifest without secrets.</summary>
    public string? Runtime { get; init; }
    public string? RunningManifest { get; init; }
}
