namespace Obot.Grains.Abstractions.Identity;

/// <summary>
/// Who calls, once authenticated. What the gateway learned from a credential and the guard needs to decide.
/// </summary>
/// <param name="UserId">Stable id of the user; <c>sub</c> of the assertion.</param>
/// <param name="Role">Highest role that the credential carries.</param>
/// <param name="CredentialId">Id of the API key, session or OAuth grant behind the call; never the credential itself.</param>
/// <param name="Scopes">What the credential is good for: <c>mcp</c>, <c>llm</c>, <c>api</c>.</param>
/// <param name="ServerIds">The only servers that the credential reaches; null means all.</param>
[GenerateSerializer, Immutable, Alias("Obot.Principal")]
public sealed record Principal(
    [property: Id(0)] string UserId,
    [property: Id(1)] Role Role,
    [property: Id(2)] string CredentialId,
    [property: Id(3)] IReadOnlyList<string> Scopes,
    [property: Id(4)] IReadOnlyList<string>? ServerIds = null)
{
    /// <summary>Ids of the user's groups.</summary>
    [Id(5)]
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>The add-on that opens bodies of audit records, whatever the role.</summary>
    [Id(6)]
    public bool Auditor { get; init; }

    /// <summary>Client id of the OAuth client that holds the credential; null for API keys and sessions.</summary>
    [Id(7)]
    public string? ClientId { get; init; }

    /// <summary>Whether the credential carries <paramref name="scope"/> (see <see cref="Identity.Scopes"/>).</summary>
    public bool Has(string scope) => Scopes.Contains(scope, StringComparer.Ordinal);

    /// <summary>Whether the credential may be used at this server.</summary>
    public bool Reaches(string serverId) => ServerIds is null || ServerIds.Contains(serverId, StringComparer.Ordinal);
}

/// <summary>Each role includes the ones before it.</summary>
[GenerateSerializer]
public enum Role
{
    Basic,
    Power,
    PowerPlus,
    Admin,
    Owner,
}

/// <summary>What an API key or token is good for.</summary>
public static class Scopes
{
    /// <summary>Calls at <c>/mcp-connect</c>.</summary>
    public const string Mcp = "mcp";

    /// <summary>Calls at <c>/api/llm-proxy</c>.</summary>
    public const string Llm = "llm";

    /// <summary>The management API.</summary>
    public const string Api = "api";

    /// <summary>Reading the MCP registry at <c>/v0.1</c>, where that needs a token.</summary>
    public const string Registry = "registry:read";

    public static IReadOnlyList<string> All { get; } = [Mcp, Llm, Api, Registry];
}

/// <summary>Users that exist before anyone signed in.</summary>
public static class WellKnownUsers
{
    /// <summary>The owner behind the bootstrap token and the one-time link.</summary>
    public const string Bootstrap = "bootstrap";
}
