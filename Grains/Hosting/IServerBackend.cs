using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Hosting;

/// <summary>
/// Where servers run. All of it is idempotent, and nothing touches a generation above the one it was asked about.
/// </summary>
internal interface IServerBackend
{
    /// <summary>Runs one generation and returns when its guard and the server behind it have answered.</summary>
    /// <exception cref="ServerStartException">It did not come up; nothing of it is left.</exception>
    Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken);

    /// <summary>Ends every generation up to <paramref name="generation"/>. Nothing there is fine.</summary>
    Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken);

    /// <summary>Null when guard and server answer; otherwise what is wrong, for a person.</summary>
    Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken);

    /// <summary>Can a deployment on this host still live? False only when it is known that it cannot.</summary>
    bool MayLive(string host);
}

/// <summary>One generation that is to be started.</summary>
/// <param name="Access">Who may call it, as its guard learns it at the start.</param>
internal sealed record ServerStart(McpInstanceId Instance, long Generation, ServerManifest Manifest, StartAccess Access, IReadOnlyDictionary<string, string> Values);

/// <param name="Revision">Revision of the security state that the policy was read at.</param>
/// <param name="Staleness">How long ago the reading silo last knew that it was up to date.</param>
internal sealed record StartAccess(AccessPolicy Policy, long Revision, TimeSpan Staleness);

/// <summary>One generation that runs. Part of a grain's state.</summary>
[GenerateSerializer, Immutable, Alias("Obot.Deployment")]
internal sealed record Deployment
{
    [Id(0)] public required string Backend { get; init; }

    /// <summary>Place within the backend: a silo's address for processes.</summary>
    [Id(1)] public required string Host { get; init; }
    [Id(2)] public required string GuardUrl { get; init; }
    [Id(3)] public IReadOnlyList<DeploymentProcess> Processes { get; init; } = [];
}

/// <summary>Why a server did not start, for a person.</summary>
internal sealed class ServerStartException(string reason) : Exception(reason);
