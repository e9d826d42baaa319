using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Hosting;

/// <summary>
/// Where servers run. All of it is idempotent, nothing touches a generation above the one it was asked about, and nothing touches what
/// this cluster did not make: what outlives a silo is labelled with cluster, instance and generation. May be called on any silo.
/// </summary>
internal interface IServerBackend
{
    /// <summary>One of <see cref="BackendNames"/>; written into <see cref="Deployment.Backend"/>.</summary>
    string Name { get; }

    /// <summary>
    /// Runs one generation and returns when its guard and the server behind it have answered. A generation that runs already is adopted;
    /// earlier ones of the instance are ended before.
    /// </summary>
    /// <exception cref="ServerStartException">It did not come up; nothing of it is left.</exception>
    Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken);

    /// <summary>Ends every generation up to <paramref name="generation"/>. Nothing there is fine.</summary>
    /// <param name="host">
    /// <see cref="Deployment.Host"/>, or the address of the silo that was starting it where it is not known what came of that.
    /// </param>
    Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken);

    /// <summary>Removes what outlives the generations of a stopped instance: volumes, files. Nothing there is fine.</summary>
    Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken);

    /// <summary>Can two generations of an instance run side by side (<see cref="ServerStart.Beside"/>)? Otherwise a change stops the old one first.</summary>
    bool RunsTwo => false;

    /// <summary>Null when guard and server answer; otherwise what is wrong, for a person.</summary>
    Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken);

    /// <summary>Can a deployment on this host still live? False only when it is known that it cannot.</summary>
    bool MayLive(string host);

    /// <summary>
    /// What the instance wrote, oldest first, the last life's lines also after its end. Empty when the backend knows nothing of it.
    /// </summary>
    /// <param name="host"><see cref="Deployment.Host"/>, or the address of the silo that started it last; null when it never ran.</param>
    IAsyncEnumerable<ServerLogLine> ReadLogs(McpInstanceId instance, string? host, bool follow, CancellationToken cancellationToken);
}

/// <summary>Names of backends in configuration, state and API.</summary>
internal static class BackendNames
{
    /// <summary>Children of a silo.</summary>
    public const string Process = "process";

    /// <summary>Guards of a silo that many instances share.</summary>
    public const string Pool = "pool";

    /// <summary>Containers of a Docker Engine.</summary>
    public const string Docker = "docker";

    /// <summary>Pods of a Kubernetes cluster.</summary>
    public const string Kubernetes = "kubernetes";
}

/// <summary>One generation that is to be started.</summary>
/// <param name="Access">Who may call it, as its guard learns it at the start.</param>
internal sealed record ServerStart(McpInstanceId Instance, long Generation, ServerManifest Manifest, StartAccess Access, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>Told what the start is busy with, for people who wait ("pulling …"). Never blocks; any thread.</summary>
    public Action<string> Progress { get; init; } = _ => { };

    /// <summary>Earlier generations go on: somebody else ends them when this one is up.</summary>
    public bool Beside { get; init; }

    /// <summary>Names of a composite's components, by id.</summary>
    public IReadOnlyDictionary<string, string> Titles { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <param name="Revision">Revision of the security state that the policy was read at.</param>
/// <param name="Staleness">How long ago the reading silo last knew that it was up to date.</param>
internal sealed record StartAccess(AccessPolicy Policy, IReadOnlyList<ServerFilter> Filters, long Revision, TimeSpan Staleness);

/// <summary>One generation that runs. Part of a grain's state.</summary>
[GenerateSerializer, Immutable, Alias("Obot.Deployment")]
internal sealed record Deployment
{
    [Id(0)] public required string Backend { get; init; }

    /// <summary>Place within the backend: a silo's address for processes, the daemon for Docker.</summary>
    [Id(1)] public required string Host { get; init; }
    [Id(2)] public required string GuardUrl { get; init; }
    [Id(3)] public IReadOnlyList<DeploymentProcess> Processes { get; init; } = [];

    /// <summary>The image that the server runs, with its digest; null without one.</summary>
    [Id(4)] public string? Image { get; init; }
}

/// <summary>Why a server did not start, for a person.</summary>
internal sealed class ServerStartException(string reason) : Exception(reason);
