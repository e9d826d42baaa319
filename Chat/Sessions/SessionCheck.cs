using System.Collections.Concurrent;
using System.Security.Claims;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Chat.Sessions;

/// <summary>A session opened with an API key ends with the key: asked of the table per page load, of the feed while a page is open.</summary>
internal sealed class SessionCheck : IDisposable
{
    private const string KeyIdPrefix = "ak1";
    private readonly ConcurrentDictionary<string, bool> _revoked = new(StringComparer.Ordinal);
    private readonly IApiKeys _keys;
    private readonly TimeProvider _time;
    private readonly IDisposable _subscription;

    public SessionCheck(IApiKeys keys, ISecurityFeed feed, TimeProvider time)
    {
        (_keys, _time) = (keys, time);
        _subscription = feed.Subscribe(change =>
        {
            if (change.Kind == SecurityChangeKinds.ApiKey)
            {
                _revoked[change.Subject] = true;
            }
        });
    }

    public async Task<bool> IsGoodAsync(ClaimsPrincipal? claims, CancellationToken cancellationToken)
    {
        if (SessionPrincipal.Of(claims) is not { } principal)
        {
            return false;
        }

        if (!principal.CredentialId.StartsWith(KeyIdPrefix, StringComparison.Ordinal))
        {
            return true;
        }

        var key = await _keys.Find(principal, principal.CredentialId, cancellationToken);
        return key is not null && !(key.ExpiresAt <= _time.GetUtcNow());
    }

    /// <summary>From memory: whether the credential behind an open page was revoked since.</summary>
    public bool IsRevoked(ClaimsPrincipal claims) => SessionPrincipal.Of(claims) is { } principal && _revoked.ContainsKey(principal.CredentialId);

    public void Dispose() => _subscription.Dispose();
}
