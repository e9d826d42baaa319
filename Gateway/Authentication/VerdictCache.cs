using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Obot.Gateway.OAuth.Tokens;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Gateway.Authentication;

/// <summary>
/// One verdict a credential, keyed by its SHA-256, until expiry or revocation. Revocations reach it through the security feed;
/// when the feed is silent for longer than <see cref="SecurityOptions.MaxStaleness"/>, nobody is let in.
/// </summary>
internal sealed class VerdictCache : IDisposable
{
    private const int Capacity = 100_000;
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    private readonly ConcurrentDictionary<UInt128, Verdict> verdicts = new();
    private readonly ConcurrentDictionary<string, UserLoad> loads = new();
    private readonly ISignIn signIn;
    private readonly IApiKeys apiKeys;
    private readonly AccessTokens tokens;
    private readonly IApiKeyUsage usage;
    private readonly ISecurityFeed feed;
    private readonly TimeProvider time;
    private readonly IOptions<SecurityOptions> options;
    private readonly IDisposable subscription;

    public VerdictCache(ISignIn signIn, IApiKeys apiKeys, AccessTokens tokens, IApiKeyUsage usage, ISecurityFeed feed, TimeProvider time, IOptions<SecurityOptions> options)
    {
        (this.signIn, this.apiKeys, this.tokens, this.usage, this.feed, this.time, this.options) = (signIn, apiKeys, tokens, usage, feed, time, options);
        subscription = feed.Subscribe(Forget);
    }

    /// <summary>Null when the credential is not, or no longer, good.</summary>
    public ValueTask<Verdict?> FindAsync(string credential, CancellationToken cancellationToken)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(credential, hash);
        var key = new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]));
        if (verdicts.TryGetValue(key, out var verdict) && time.GetUtcNow() < verdict.GoodUntil && !IsStale)
        {
            usage.Used(verdict.Principal.CredentialId);
            return new(verdict);
        }

        return new(AskAsync(key, credential, cancellationToken));
    }

    public void Dispose() => subscription.Dispose();

    /// <summary>
    /// For a principal whom the session cookie proved on this very request: the verdict only keeps what was signed for it.
    /// </summary>
    public Verdict? OfSession(Principal principal) => Of("session", principal);

    /// <summary>The same for a part of the platform that calls for a user, one a scope.</summary>
    public Verdict? OfPart(Principal principal) => Of(principal.Scopes[0], principal);

    private Verdict? Of(string kind, Principal principal)
    {
        if (IsStale)
        {
            return null;
        }

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash($"{kind}\0{principal.CredentialId}", hash);
        var key = new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]));
        return verdicts.TryGetValue(key, out var verdict) && time.GetUtcNow() < verdict.GoodUntil && verdict.Principal.Role == principal.Role
            ? verdict
            : verdicts[key] = Make(principal, time.GetUtcNow() + Lifetime);
    }

    private Verdict Make(Principal principal, DateTimeOffset goodUntil) => new(principal, goodUntil, loads.GetOrAdd(principal.UserId, static _ => new()));

    private static (Principal Principal, DateTimeOffset ExpiresAt)? Limited((Principal Principal, DateTimeOffset? ExpiresAt)? found) =>
        found is { } key ? (key.Principal, key.ExpiresAt ?? DateTimeOffset.MaxValue) : null;

    private bool IsStale => feed.Staleness > options.Value.MaxStaleness;

    private async Task<Verdict?> AskAsync(UInt128 key, string credential, CancellationToken cancellationToken)
    {
        if (IsStale)
        {
            return null;
        }

        // a revocation that arrives while the table is being read must not be overtaken by what was read before it
        var revision = feed.Revision;
        var until = time.GetUtcNow() + Lifetime;
        var found = AccessTokens.LooksLike(credential)
            ? await tokens.Authenticate(credential, cancellationToken)
            : Limited(await apiKeys.Authenticate(credential, cancellationToken));
        var principal = found?.Principal ?? await signIn.WithToken(credential, cancellationToken);
        if (principal is null)
        {
            verdicts.TryRemove(key, out _);
            return null;
        }

        var verdict = Make(principal, found is { ExpiresAt: var expires } && expires < until ? expires : until);
        if (verdicts.Count >= Capacity)
        {
            verdicts.Clear();
        }

        verdicts[key] = verdict;
        if (feed.Revision != revision)
        {
            verdicts.TryRemove(new(key, verdict));
        }

        return verdict;
    }

    private void Forget(SecurityChange change)
    {
        switch (change.Kind)
        {
            case SecurityChangeKinds.Everything:
                verdicts.Clear();
                break;
            case SecurityChangeKinds.ApiKey or SecurityChangeKinds.Session or SecurityChangeKinds.Grant:
                Forget(principal => principal.CredentialId == change.Subject);
                break;
            case SecurityChangeKinds.User:
                Forget(principal => principal.UserId == change.Subject);
                break;
            default:
                break;
        }
    }

    private void Forget(Func<Principal, bool> isMeant)
    {
        foreach (var (key, verdict) in verdicts)
        {
            if (isMeant(verdict.Principal))
            {
                verdicts.TryRemove(key, out _);
            }
        }
    }

    private static void Hash(string credential, Span<byte> hash)
    {
        Span<byte> utf8 = stackalloc byte[512];
        if (Encoding.UTF8.TryGetBytes(credential, utf8, out var written))
        {
            SHA256.HashData(utf8[..written], hash);
        }
        else
        {
            SHA256.HashData(Encoding.UTF8.GetBytes(credential), hash);
        }
    }
}
