using Orleans.Concurrency;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary>
/// One MCP server instance (key: <see cref="McpInstanceId"/>). Owns its deployment state machine, endpoint and generation. A
/// thousand first calls are one start: every method answers at once, the start itself runs outside the turn.
/// </summary>
public interface IMcpServerGrain : IGrainWithStringKey
{
    /// <summary>
    /// Makes sure that the server runs, or is on its way. The outcome of a start is pushed to <paramref name="observer"/>.
    /// </summary>
    /// <param name="failedGeneration">A generation that the caller found dead; 0 when it has no complaint.</param>
    /// <param name="observer">Told of every later change of the route until <see cref="Unobserve"/>, or until it stops answering.</param>
    [Alias("EnsureRunning")]
    Task<ServerRoute> EnsureRunning(long failedGeneration, IRouteObserver observer, CancellationToken cancellationToken);

    /// <summary>The route as it stands, without waking the server; <paramref name="observer"/> is told of changes.</summary>
    [Alias("Observe")]
    Task<ServerRoute> Observe(IRouteObserver observer);

    [Alias("Unobserve")]
    Task Unobserve(IRouteObserver observer);

    /// <summary>The deployment for people. Never wakes the server.</summary>
    [Alias("GetDeployment")]
    Task<ServerDeployment> GetDeployment();

    /// <summary>Stops the server for the given reason. The next call starts it again.</summary>
    [Alias("Stop")]
    Task Stop(string reason);

    /// <summary>
    /// The declaration changed: a running server gets its next generation beside the one that runs, which goes on until the new one is up and
    /// its own calls in hand have ended. One that does not come up changes nothing. A server that cannot be run twice is stopped instead.
    /// </summary>
    [Alias("Replace")]
    Task Replace(string reason);

    /// <summary>Forgets earlier failures and back-off, so that the next <see cref="EnsureRunning"/> starts at once.</summary>
    [Alias("Reset")]
    Task Reset();

    /// <summary>Stops the server and clears everything the grain holds.</summary>
    [Alias("Remove")]
    Task Remove();

    /// <summary>From the backend: the processes of a generation are gone.</summary>
    [Alias("DeploymentEnded")]
    Task DeploymentEnded(long generation, string reason);

    /// <summary>From the control endpoint: the guard of a generation is connected at this silo.</summary>
    [Alias("GuardConnected")]
    Task<bool> GuardConnected(long generation, IGuardChannel channel);

    /// <summary>From the control endpoint, in batches: what the guard has in hand.</summary>
    /// <param name="inFlight">Calls without their last byte.</param>
    /// <param name="idle">Time since the last one began or ended; null if there was none.</param>
    [Alias("ReportActivity"), OneWay]
    Task ReportActivity(long generation, int inFlight, TimeSpan? idle);
}

/// <summary>A gateway silo that wants to know where an instance is.</summary>
public interface IRouteObserver : IGrainObserver
{
    [Alias("RouteChanged"), OneWay]
    Task RouteChanged(ServerRoute route);
}

/// <summary>The guard of one generation, seen through the gateway silo that holds its control channel.</summary>
public interface IGuardChannel : IGrainObserver
{
    /// <summary>Stop-if-idle handshake. True: nothing was in flight and the guard refuses everything from now on.</summary>
    [Alias("Drain")]
    /// <param name="minIdle">Refuse also when the last call ended more recently than this.</param>
    Task<bool> Drain(TimeSpan minIdle);
}

/// <summary>Where an instance is, for those who forward to it.</summary>
/// <param name="Instance">Text of the <see cref="McpInstanceId"/>.</param>
/// <param name="Generation">Generation that the status speaks of; 0 before the first start.</param>
/// <param name="GuardUrl">Base URL of the guard (<c>http://host:port</c>); present exactly when Running.</param>
/// <param name="Reason">For a person: why it is not running, or why it was restarted.</param>
/// <param name="RetryAt">When a new start will be tried, if it failed.</param>
[GenerateSerializer, Immutable, Alias("Obot.ServerRoute")]
public sealed record ServerRoute(
    [property: Id(0)] string Instance,
    [property: Id(1)] long Generation,
    [property: Id(2)] DeploymentStatus Status,
    [property: Id(3)] string? GuardUrl,
    [property: Id(4)] string? Reason,
    [property: Id(5)] DateTimeOffset? RetryAt);

/// <summary><c>Stopped → Starting → Running → Unhealthy → Failed</c>.</summary>
[GenerateSerializer]
public enum DeploymentStatus
{
    /// <summary>No process; the next call starts one.</summary>
    Stopped,

    /// <summary>A generation is being started.</summary>
    Starting,

    /// <summary>The guard answers and the server behind it has answered once.</summary>
    Running,

    /// <summary>It ran and broke down; a restart is under way or waits for its back-off.</summary>
    Unhealthy,

    /// <summary>It could not be started; the next call after <see cref="ServerRoute.RetryAt"/> tries again.</summary>
    Failed,
}

/// <summary>A deployment for people: management API and console.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ServerDeployment")]
public sealed record ServerDeployment
{
    [Id(0)] public required DeploymentStatus Status { get; init; }
    [Id(1)] public string? Reason { get; init; }
    [Id(2)] public long Generation { get; init; }
    [Id(3)] public string? GuardUrl { get; init; }

    /// <summary>Backend (<c>process</c>, <c>docker</c>) and the place within it (a silo's address, a daemon); of the last start where nothing runs.</summary>
    [Id(4)] public string? Backend { get; init; }
    [Id(5)] public string? Host { get; init; }
    [Id(6)] public IReadOnlyList<DeploymentProcess> Processes { get; init; } = [];
    [Id(7)] public DateTimeOffset? StartedAt { get; init; }
    [Id(8)] public DateTimeOffset? LastActivity { get; init; }

    /// <summary>Starts that failed or broke down since the last one that held.</summary>
    [Id(9)] public int Failures { get; init; }

    /// <summary>Manifest revision that the running generation was made from.</summary>
    [Id(10)] public long ManifestRevision { get; init; }
    [Id(11)] public DateTimeOffset? RetryAt { get; init; }
    [Id(12)] public int InFlight { get; init; }

    /// <summary>Breakdowns since somebody stopped it, or it fell asleep; <see cref="Reason"/> says what the last one was.</summary>
    [Id(13)] public int Restarts { get; init; }

    /// <summary>JSON of the manifest that the running generation was made from, without secrets; null before the first start.</summary>
    [Id(15)] public string? RunningManifest { get; init; }

    /// <summary>The image that the server runs, with its digest; null without one.</summary>
    [Id(14)] public string? Image { get; init; }
}

/// <param name="Role"><c>guard</c>, <c>bridge</c> or <c>server</c>.</param>
/// <param name="Pid">Process id on the machine that runs it.</param>
[GenerateSerializer, Immutable, Alias("Obot.DeploymentProcess")]
public sealed record DeploymentProcess([property: Id(0)] string Role, [property: Id(1)] int Pid)
{
    /// <summary>Name of its container; null for a local process.</summary>
    [Id(2)] public string? Container { get; init; }
}
