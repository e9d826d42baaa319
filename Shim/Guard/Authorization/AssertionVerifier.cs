using System.Collections.Concurrent;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Who calls, as the gateway vouched for.</summary>
/// <param name="UserId"><c>sub</c>.</param>
/// <param name="Role">Name of the role.</param>
/// <param name="PrincipalKey">Opaque and stable: what the bridge keeps children apart by.</param>
/// <param name="Groups">Ids of groups.</param>
internal sealed record Caller(string UserId, string Role, string CredentialId, string PrincipalKey, IReadOnlyList<string> Groups, DateTimeOffset GoodUntil)
{
    private volatile Decision? decided;

    /// <summary>What the policy said last; good only for the policy that it names.</summary>
    public Decision? Decided
    {
        get => decided;
        set => decided = value;
    }
}

/// <summary>
/// Checks assertions (ES256, <c>typ: obot-assertion+jwt</c>, audience = this instance). An assertion is verified once and remembered
/// until it expires, so a warm call costs a look-up.
/// </summary>
internal sealed class AssertionVerifier(string instance, string keys, TimeProvider time)
{
    private const int Remembered = 10_000;

    private readonly ConcurrentDictionary<string, Caller> callers = new(StringComparer.Ordinal);
    private string text = keys;
    private volatile AssertionKeys signingKeys = AssertionKeys.Parse(keys);

    /// <summary>Null when the assertion is forged, expired or meant for another instance.</summary>
    public Caller? Verify(string assertion) =>
        callers.TryGetValue(assertion, out var caller) && caller.GoodUntil > time.GetUtcNow() ? caller : Check(assertion);

    /// <summary>The cluster's keys as they are now; what was verified by a key that is gone is forgotten.</summary>
    public void Replace(string jsonWebKeySet)
    {
        if (!string.Equals(jsonWebKeySet, text, StringComparison.Ordinal))
        {
            signingKeys = AssertionKeys.Parse(jsonWebKeySet);
            text = jsonWebKeySet;
            callers.Clear();
        }
    }

    private Caller? Check(string assertion)
    {
        callers.TryRemove(assertion, out _);
        if (SignedAssertion.Read(assertion, signingKeys) is not { } claims || claims.Audience != instance || claims.Expires <= time.GetUtcNow())
        {
            return null;
        }

        if (callers.Count >= Remembered)
        {
            callers.Clear();
        }

        return callers[assertion] = new(claims.Subject, claims.Role, claims.CredentialId, PrincipalKeys.Of(claims.Subject), claims.Groups, claims.Expires);
    }
}
