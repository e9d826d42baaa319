using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Identity;

namespace Obot.Grains.Credentials.Authorization;

/// <summary>
/// Token requests that no user clicks for: client credentials (OAuth 2.1 section 4.2), token exchange (RFC 8693) and identity assertions
/// (draft-ietf-oauth-identity-assertion-authz-grant). The last two say who the user is by a JWT of ours, with the authorization server as
/// its audience; the keys are those at <c>/oauth/jwks</c>. The caller's own token is no part of it.
/// </summary>
internal sealed class MachineGrants(IDbContextFactory<ObotDb> databases, UserEmails emails, IOAuthKeys keys, PlatformAddresses addresses, TimeProvider time)
{
    private const string AssertionType = "oauth-id-jag+jwt";
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(2);

    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <param name="kind">One of <see cref="GrantKinds.Machine"/>.</param>
    public async Task<Dictionary<string, string?>> FormAsync(string kind, string userId, string clientId, AuthorizationTarget target, CancellationToken cancellationToken)
    {
        var form = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["resource"] = target.Resource,
            ["scope"] = target.Scopes is { Count: > 0 } scopes ? string.Join(' ', scopes) : null,
        };
        switch (kind)
        {
            case GrantKinds.ClientCredentials:
                form["grant_type"] = "client_credentials";
                break;
            case GrantKinds.TokenExchange:
                form["grant_type"] = "urn:ietf:params:oauth:grant-type:token-exchange";
                form["subject_token"] = await SignAsync("JWT", userId, clientId, target, cancellationToken);
                form["subject_token_type"] = "urn:ietf:params:oauth:token-type:jwt";
                form["requested_token_type"] = "urn:ietf:params:oauth:token-type:access_token";
                break;
            default:
                form["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer";
                form["assertion"] = await SignAsync(AssertionType, userId, clientId, target, cancellationToken);
                break;
        }

        return form;
    }

    private async Task<string> SignAsync(string type, string userId, string clientId, AuthorizationTarget target, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var user = await db.Users.AsNoTracking().SingleOrDefaultAsync(row => row.Id == userId, cancellationToken) ?? throw new AuthorizationFault("The user is gone.");
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["sub"] = userId,
            ["name"] = user.Name,
            ["client_id"] = clientId,
            ["resource"] = target.Resource,
            ["jti"] = Guid.NewGuid().ToString("N"),
        };
        if (emails.Read(user) is { } email)
        {
            claims["email"] = email;
        }

        if (target.Scopes is { Count: > 0 } scopes)
        {
            claims["scope"] = string.Join(' ', scopes);
        }

        var signing = keys.Current.Signing[0];
        using var key = ECDsa.Create();
        key.ImportPkcs8PrivateKey(signing.PrivateKey, out _);
        var now = time.GetUtcNow();
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = addresses.Issuer,
            Audience = target.Issuer,
            TokenType = type,
            IssuedAt = now.UtcDateTime,
            Expires = (now + Life).UtcDateTime,
            Claims = claims,
            SigningCredentials = new(new ECDsaSecurityKey(key) { KeyId = signing.Id, CryptoProviderFactory = new() { CacheSignatureProviders = false } }, SecurityAlgorithms.EcdsaSha256),
        });
    }
}
