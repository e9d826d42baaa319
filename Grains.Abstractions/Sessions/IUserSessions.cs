using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Sessions;

/// <summary>Port: sign-in sessions.</summary>
public interface IUserSessions
{
    /// <summary>Opens a session. The key is for the cookie and is kept nowhere else.</summary>
    Task<string> Start(NewUserSession request, CancellationToken cancellationToken);

    /// <summary>Asks the session's grain; null when the session has ended.</summary>
    Task<UserSession?> Use(string sessionId, CancellationToken cancellationToken);

    /// <summary>Notes a use in memory; the index learns of it in batches.</summary>
    void Used(string sessionId);

    /// <summary>Ends a session that its own holder gave up, or that nobody may use any more.</summary>
    Task<bool> End(string sessionId, CancellationToken cancellationToken);

    /// <summary>Newest first, at most 500.</summary>
    /// <exception cref="NotAllowedException">Another user's, and the caller is no administrator, or the user stands above the caller.</exception>
    Task<IReadOnlyList<UserSessionView>> List(Principal caller, string userId, CancellationToken cancellationToken);

    /// <summary>Refused everywhere within a second. False when the user has no such session.</summary>
    /// <exception cref="NotAllowedException">As for <see cref="List"/>.</exception>
    Task<bool> Revoke(Principal caller, string userId, string sessionId, CancellationToken cancellationToken);

    /// <summary>Ends all sessions of a user.</summary>
    /// <param name="exceptId">A session that stays; null ends all.</param>
    /// <returns>How many ended.</returns>
    /// <exception cref="NotAllowedException">As for <see cref="List"/>.</exception>
    Task<int> RevokeAll(Principal caller, string userId, string? exceptId, CancellationToken cancellationToken);
}

/// <summary>A session to be opened; members as in <see cref="UserSession"/>.</summary>
public sealed record NewUserSession(
    string UserId, string ProviderId, IReadOnlyList<string> Scopes, IReadOnlyList<string>? ServerIds, string? KeyId, string UserAgent, string ClientIp);

/// <summary>A session as its user sees it.</summary>
public sealed record UserSessionView
{
    public required string Id { get; init; }
    public required string UserId { get; init; }
    public required string ProviderId { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Exact to some seconds.</summary>
    public required DateTimeOffset LastSeenAt { get; init; }

    /// <summary>When it ends if nobody uses it.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
    public required string UserAgent { get; init; }
    public required string ClientIp { get; init; }

    /// <summary>Whether the caller uses this very session.</summary>
    public required bool Current { get; init; }
}
