using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Chat.Sessions;

/// <summary>A session and what its user may be believed to be right now.</summary>
internal sealed record LiveSession(UserSession Session, Principal Principal, ClaimsPrincipal Claims, DateTimeOffset CheckAgainAt);

/// <summary>
/// Sessions that this silo has seen lately: a warm request asks neither grain nor table. Revocations, demotions and revoked keys arrive by
/// the security feed; while the feed is silent for longer than <c>Obot:Security:MaxStaleness</c>, nobody is let in.
/// </summary>
internal sealed class LiveSessions : IDisposable
{
    private const int Capacity = 50_000;
    private readonly ConcurrentDictionary<string, LiveSession> known = new(StringComparer.Ordinal);
    private readonly IUserSessions sessions;
    private readonly IUserDirectory users;
    private readonly IApiKeys keys;
    private readonly ISecurityFeed feed;
    private readonly TimeProvider time;
    private readonly SessionOptions options;
    private readonly TimeSpan maxStaleness;
    private readonly IDisposable subscription;

    public LiveSessions(
        IUserSessions sessions, IUserDirectory users, IApiKeys keys, ISecurityFeed feed, TimeProvider time, IOptions<SessionOptions> options, IOptions<SessionTrustOptions> trust)
    {
        (this.sessions, this.users, this.keys, this.feed, this.time) = (sessions, users, keys, feed, time);
        (this.options, maxStaleness) = (options.Value, trust.Value.MaxStaleness);
        subscription = feed.Subscribe(Forget);
    }

    /// <summary>Whether news of revocations may be missing here.</summary>
    public bool IsStale => feed.Staleness > maxStaleness;

    /// <summary>Null when the session, its key or its user is not, or no longer, good. Counts as use.</summary>
    public async ValueTask<LiveSession?> FindAsync(string sessionId, CancellationToken cancellationToken)
    {
        if (IsStale)
        {
            return null;
        }

        var live = known.TryGetValue(sessionId, out var found) && time.GetUtcNow() < found.CheckAgainAt ? found : await AskAsync(sessionId, cancellationToken);
        if (live is not null)
        {
            sessions.Used(sessionId);
        }

        return live;
    }

    public void Dispose() => subscription.Dispose();

    private async Task<LiveSession?> AskAsync(string sessionId, CancellationToken cancellationToken)
    {
        // a revocation that arrives while grain and tables are being asked must not be overtaken by what they said before it
        var revision = feed.Revision;
        var now = time.GetUtcNow();
        if (await sessions.Use(sessionId, cancellationToken) is not { } session
            || await users.Find(session.UserId, cancellationToken) is not { } user)
        {
            known.TryRemove(sessionId, out _);
            return null;
        }

        var principal = user.As(session.Id, session.Scopes, session.ServerIds);
        var until = Earlier(now + options.Recheck, session.EndsAt);
        if (session.KeyId is { } keyId)
        {
            if (await keys.Find(principal, keyId, cancellationToken) is not { } key || key.ExpiresAt <= now)
            {
                known.TryRemove(sessionId, out _);
                return null;
            }

            until = Earlier(until, key.ExpiresAt ?? until);
        }

        var live = new LiveSession(session, principal, SessionPrincipal.ToClaims(principal, user.Name), until);
        if (known.Count >= Capacity)
        {
            known.Clear();
        }

        known[sessionId] = live;
        if (feed.Revision != revision)
        {
            known.TryRemove(new(sessionId, live));
        }

        return live;
    }

    private void Forget(SecurityChange change)
    {
        switch (change.Kind)
        {
            case SecurityChangeKinds.Session:
                known.TryRemove(change.Subject, out _);
                break;
            case SecurityChangeKinds.User:
                Forget(live => live.Session.UserId == change.Subject);
                break;
            case SecurityChangeKinds.ApiKey:
                Forget(live => live.Session.KeyId == change.Subject);
                break;
            case SecurityChangeKinds.Everything:
                known.Clear();
                break;
            default:
                break;
        }
    }

    private void Forget(Func<LiveSession, bool> isMeant)
    {
        foreach (var (id, live) in known)
        {
            if (isMeant(live))
            {
                known.TryRemove(id, out _);
            }
        }
    }

    private static DateTimeOffset Earlier(DateTimeOffset one, DateTimeOffset other) => one < other ? one : other;
}

/// <summary>Section <c>Obot:Security</c>, the part that sessions need.</summary>
internal sealed class SessionTrustOptions
{
    /// <summary>Without news of security changes for so long, sessions are refused. Default 5 minutes.</summary>
    public TimeSpan MaxStaleness { get; set; } = TimeSpan.FromMinutes(5);
}
