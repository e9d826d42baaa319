using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.ApiKeys;

/// <summary>Port: API keys. The key is shown once and kept as a SHA-256 hash.</summary>
public interface IApiKeys
{
    /// <summary>A key never carries more than the credential that makes it: scopes, servers, and, where that is a key too, its expiry.</summary>
    /// <exception cref="InvalidInputException">A scope that does not exist, an expiry in the past, a server the caller cannot see.</exception>
    Task<CreatedApiKey> Create(Principal caller, NewApiKey request, CancellationToken cancellationToken);

    Task<Page<ApiKeyView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken);

    Task<ApiKeyView?> Find(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>Revokes; refused on every silo within a second. False when there is none.</summary>
    Task<bool> Revoke(Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a key of a service account, for administrators; it carries no more than the credential that makes it. Null when there is no
    /// such service account.
    /// </summary>
    /// <exception cref="NotAllowedException">The caller is no administrator, or the account is above the caller.</exception>
    /// <exception cref="InvalidInputException">As in <see cref="Create"/>.</exception>
    Task<CreatedApiKey?> CreateFor(Principal caller, string serviceAccountId, NewApiKey request, CancellationToken cancellationToken);

    /// <summary>Somebody else's keys, for administrators. Null when there is no such user.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<Page<ApiKeyView>?> ListOf(Principal caller, string userId, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Revokes somebody else's key, for administrators: also an owner's, it takes nothing but that key. False when there is none.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<bool> RevokeOf(Principal caller, string userId, string id, CancellationToken cancellationToken);

    /// <summary>Who stands behind a key; null when it is unknown, revoked or expired.</summary>
    /// <returns>The principal and the moment from which the key is no longer good.</returns>
    Task<(Principal Principal, DateTimeOffset? ExpiresAt)?> Authenticate(string key, CancellationToken cancellationToken);
}

/// <summary>Body of <c>POST /api/api-keys</c>.</summary>
public sealed record NewApiKey
{
    public string Name { get; init; } = "";

    /// <summary>Default: <c>mcp</c>.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }
    public IReadOnlyList<string>? McpServerIDs { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
}

public record ApiKeyView
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>The first characters of the key, for recognition.</summary>
    public required string Prefix { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }
    public IReadOnlyList<string>? McpServerIDs { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }
}

public sealed record CreatedApiKey : ApiKeyView
{
    /// <summary>The key itself, shown only here.</summary>
    public required string Key { get; init; }
}
