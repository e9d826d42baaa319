using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary>
/// Port: the servers as people and programs manage them. Used by the management API and the console alike; every call is made
/// by a <see cref="Principal"/> and sees only what that principal may see: its own servers and those that access rules open, or all for
/// administrators. Changing a server is for its owner and administrators; stopping, configuring and reading the log of a shared one too:
/// others get <see cref="NotAllowedException"/>.
/// </summary>
public interface IMcpServers
{
    /// <exception cref="InvalidInputException">A field of the manifest is missing or wrong.</exception>
    Task<McpServerView> Create(Principal caller, ServerManifest manifest, CancellationToken cancellationToken);

    /// <summary>Null when there is none, or the caller may not see it.</summary>
    Task<McpServerView?> Find(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Ordered by creation, oldest first.</summary>
    /// <param name="limit">1 … 500.</param>
    /// <param name="cursor">Opaque, from an earlier page.</param>
    Task<Page<McpServerView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Replaces the manifest; a running instance is restarted with it. Null when there is none.</summary>
    /// <exception cref="InvalidInputException">A field of the manifest is missing or wrong.</exception>
    Task<McpServerView?> Update(Principal caller, string serverId, ServerManifest manifest, CancellationToken cancellationToken);

    /// <summary>Sets values of <c>env</c> and <c>headers</c> that the caller supplies. They are never read back.</summary>
    /// <exception cref="InvalidInputException">A key that the manifest does not know.</exception>
    Task<McpServerView?> Configure(Principal caller, string serverId, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken);

    /// <summary>
    /// Takes the caller's values away; those of a shared instance too where the caller manages the server. Null when there is none.
    /// </summary>
    Task<McpServerView?> Deconfigure(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>
    /// The values that the caller supplied, in clear: the only way to read them back, and each use is written down. Null when there is none.
    /// </summary>
    Task<IReadOnlyDictionary<string, string>?> Reveal(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Stops all instances and removes the server. False when there is none.</summary>
    Task<bool> Delete(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Starts the caller's instance and returns when it is Running or Failed.</summary>
    Task<McpServerView?> Launch(Principal caller, string serverId, CancellationToken cancellationToken);

    Task<McpServerView?> Restart(Principal caller, string serverId, CancellationToken cancellationToken);

    Task<McpServerView?> Stop(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>
    /// A running instance that was made from an older manifest goes over to the one that is declared, again if that did not start before: the
    /// new generation comes up beside the old one. Nothing where it sleeps.
    /// </summary>
    Task<McpServerView?> TriggerUpdate(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>The state of the caller's instance as it is, and every change of it until the caller goes away. Never wakes the server.</summary>
    IAsyncEnumerable<ServerEvent> Events(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Never wakes the server.</summary>
    Task<ServerDetails?> Details(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>The last lines (1,000 at most) of the caller's instance; with <paramref name="follow"/> also every later one.</summary>
    IAsyncEnumerable<ServerLogLine> Logs(Principal caller, string serverId, bool follow, CancellationToken cancellationToken);

    /// <summary>The tools as the server lists them for the caller; starts the server where it sleeps.</summary>
    /// <exception cref="ServerUnavailableException">It could not be started or did not answer.</exception>
    Task<IReadOnlyList<ToolView>?> Tools(Principal caller, string serverId, CancellationToken cancellationToken);
}

/// <summary>A server and the caller's instance of it.</summary>
public sealed record McpServerView
{
    public required string Id { get; init; }
    public required ServerManifest Manifest { get; init; }
    public required string OwnerId { get; init; }

    /// <summary>Catalog entry that it was made from; null when it was made from a manifest.</summary>
    public string? CatalogEntryId { get; init; }
    public string? CatalogId { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Key of the caller's instance.</summary>
    public required string Instance { get; init; }
    public required DeploymentStatus DeploymentStatus { get; init; }
    public string? DeploymentReason { get; init; }

    /// <summary>What runs was made from another revision of the manifest.</summary>
    public bool NeedsUpdate { get; init; }
    public required IReadOnlyList<string> MissingRequiredEnvVars { get; init; }
    public bool Configured => MissingRequiredEnvVars.Count == 0;
}

/// <param name="Revision">Of the manifest as it is declared.</param>
/// <param name="Diff">Where what runs differs from what is declared; null when it does not.</param>
public sealed record ServerDetails(ServerDeployment Deployment, long Revision, IReadOnlyList<FieldChange>? Diff)
{
    public bool NeedsUpdate => Diff is not null;
}

/// <param name="Field">JSON path within the manifest.</param>
/// <param name="Running">Null where it is not there.</param>
/// <param name="Declared">Null where it is not there.</param>
public sealed record FieldChange(string Field, string? Running, string? Declared);

/// <summary>A change of an instance's state.</summary>
/// <param name="At">When this silo heard of it.</param>
/// <param name="RetryAt">When a new start will be tried, if one failed.</param>
public sealed record ServerEvent(DateTimeOffset At, long Generation, DeploymentStatus Status, string? Reason, DateTimeOffset? RetryAt);

/// <param name="At">When the silo read it.</param>
[GenerateSerializer, Immutable, Alias("Obot.ServerLogLine")]
public sealed record ServerLogLine([property: Id(0)] DateTimeOffset At, [property: Id(1)] long Generation, [property: Id(2)] string Text);

public sealed record ToolView(string Name, string? Description, System.Text.Json.JsonElement InputSchema);

/// <param name="NextCursor">Null on the last page.</param>
public sealed record Page<T>(IReadOnlyList<T> Items, string? NextCursor);
