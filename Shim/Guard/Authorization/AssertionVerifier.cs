using System.Collections.Concurrent;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Who calls, as the gateway vouched for.</summary>
/// <param name="UserId"><c>sub</c>.</param>
/// <param name="Role">Name of the role.</param>
/// <param name="PrincipalKey">Opaque and stable: what the bridge keeps children apart by.</param>
internal sealed record Caller(string UserId, string Role, string CredentialId, string PrincipalKey, DateTimeOffset GoodUntil);

/// <summary>
/// Checks assertions (ES256, <c>typ: obot-assertion+jwt</c>, audience = this instance). An assertion is verified once and remembered
/// until it expires, so a warm call costs a look-up.
/// </summary>
internal sealed class AssertionVerifier(string instance, string keys, TimeProvider time)
{
    private const string Issuer = "obot";
    private const string Type = "obot-assertion+jwt";
    private const int Remembered = 10_000;

    private readonly ConcurrentDictionary<string, Caller> callers = new(StringComparer.Ordinal);
    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };
    private volatile IReadOnlyList<SecurityKey> signingKeys = Parse(keys);

    /// <summary>Null when the assertion is forged, expired or meant for another instance.</summary>
    public ValueTask<Caller?> VerifyAsync(string assertion) =>
        callers.TryGetValue(assertion, out var caller) && caller.GoodUntil > time.GetUtcNow() ? new(caller) : new(CheckAsync(assertion));

    /// <summary>The cluster's keys as they are now; what was verified by a key that is gone is forgotten.</summary>
    public void Replace(string jsonWebKeySet)
    {
        signingKeys = Parse(jsonWebKeySet);
        callers.Clear();
    }

    private async Task<Caller?> CheckAsync(string assertion)
    {
        callers.TryRemove(assertion, out _);
        var result = await handler.ValidateTokenAsync(assertion, new TokenValidationParameters
        {
            ValidIssuer = Issuer,
            ValidAudience = instance,
            ValidTypes = [Type],
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKeys = signingKeys,
            RequireExpirationTime = true,
            LifetimeValidator = (_, expires, _, _) => expires > time.GetUtcNow().UtcDateTime,
        });
        if (!result.IsValid || result.SecurityToken is not JsonWebToken { Subject.Length: > 0 } token)
        {
            return null;
        }

        var caller = new Caller(token.Subject, Claim(token, "role"), Claim(token, "cid"), PrincipalKeys.Of(token.Subject), new DateTimeOffset(token.ValidTo, TimeSpan.Zero));
        if (callers.Count >= Remembered)
        {
            callers.Clear();
        }

        return callers[assertion] = caller;
    }

    private static string Claim(JsonWebToken token, string name) => token.TryGetValue<string>(name, out var value) ? value : "";

    private static List<SecurityKey> Parse(string jsonWebKeySet) => [.. new JsonWebKeySet(jsonWebKeySet).GetSigningKeys()];
}
