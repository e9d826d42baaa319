using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>
/// Enterprise-managed authorization: the organization's identity provider vouches for a user at one resource, for one client, by an
/// Identity Assertion JWT Authorization Grant (draft-ietf-oauth-identity-assertion-authz-grant; RFC 7523). Each is good once.
/// </summary>
internal sealed class EnterpriseGrant(TrustedIssuers issuers, IExternalSignIn people, Resources resources, ObotDb db, TimeProvider time)
{
    public const string GrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private const string TokenType = "oauth-id-jag+jwt";
    private const int MaxLength = 16 * 1024;
    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestLife = TimeSpan.FromMinutes(10);

    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly JsonWebTokenHandler handler = new() { MapInboundClaims = false };

    public async Task<IResult> HandleAsync(OpenIddictRequest request, CancellationToken cancellationToken)
    {
        if (request.Assertion is not { Length: > 0 and <= MaxLength } assertion || !handler.CanReadToken(assertion)
            || await issuers.FindAsync(handler.ReadJsonWebToken(assertion).Issuer, cancellationToken) is not var (provider, manager))
        {
            return Grants.Refuse(Errors.InvalidGrant, "The assertion is not of an identity provider that manages access here (enterpriseManaged).");
        }

        if (await ValidateAsync(assertion, manager, cancellationToken) is not { } token)
        {
            return Grants.Refuse(Errors.InvalidGrant, $"The assertion is not good: signature, typ '{TokenType}', audience '{resources.Issuer}' or time.");
        }

        if (Text(token, "client_id") != request.ClientId)
        {
            return Grants.Refuse(Errors.InvalidGrant, "The assertion was issued to another client.");
        }

        if (!resources.TryParse(Text(token, "resource"), out var resource) || (request.GetResources() is [var asked] && asked != resource.Uri))
        {
            return Grants.Refuse(Errors.InvalidTarget, "The assertion names no resource of this platform, or another one than the request.");
        }

        if (Text(token, "scope") is { } scope && !scope.Split(' ').Contains(resource.Scope, StringComparer.Ordinal))
        {
            return Grants.Refuse(Errors.InvalidScope, $"The assertion does not grant '{resource.Scope}'.");
        }

        if (!await IsFirstUseAsync(token, cancellationToken))
        {
            return Grants.Refuse(Errors.InvalidGrant, "The assertion was used already.");
        }

        return await UserAsync(provider, token, cancellationToken) is { } user
            ? Grants.SignIn(user, resource, [resource.Scope])
            : Grants.Refuse(Errors.InvalidGrant, "The user may not sign in here: disabled, or not of an allowed e-mail domain.");
    }

    private async Task<JsonWebToken?> ValidateAsync(
        string assertion, Microsoft.IdentityModel.Protocols.ConfigurationManager<Microsoft.IdentityModel.Protocols.OpenIdConnect.OpenIdConnectConfiguration> manager, CancellationToken cancellationToken)
    {
        for (var again = false; ; again = true)
        {
            var configuration = await manager.GetConfigurationAsync(cancellationToken);
            var result = await handler.ValidateTokenAsync(assertion, new TokenValidationParameters
            {
                ValidIssuer = configuration.Issuer,
                ValidAudience = resources.Issuer,
                ValidTypes = [TokenType],
                ValidAlgorithms = Algorithms,
                IssuerSigningKeys = configuration.SigningKeys,
                RequireExpirationTime = true,
                RequireSignedTokens = true,
                ClockSkew = Skew,
                LifetimeValidator = (notBefore, expires, _, _) => IsInTime(notBefore, expires),
            });
            if (result is { IsValid: true, SecurityToken: JsonWebToken token })
            {
                return token.Id.Length > 0 && token.Subject.Length > 0 && token.Audiences.Count() == 1 ? token : null;
            }

            // a key that is not known may be a new one; the library asks at most once in a while
            if (again || result.Exception is not SecurityTokenSignatureKeyNotFoundException)
            {
                return null;
            }

            manager.RequestRefresh();
        }
    }

    private bool IsInTime(DateTime? notBefore, DateTime? expires)
    {
        var now = time.GetUtcNow().UtcDateTime;
        return expires > now - Skew && expires < now + LongestLife + Skew && !(notBefore > now + Skew);
    }

    private async Task<bool> IsFirstUseAsync(JsonWebToken token, CancellationToken cancellationToken)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{token.Issuer}\n{token.Id}"));
        var until = new DateTimeOffset(token.ValidTo, TimeSpan.Zero) + (2 * Skew);
        return await db.Database.ExecuteSqlAsync($"INSERT INTO used_assertions (hash, expires_at) VALUES ({hash}, {until}) ON CONFLICT DO NOTHING", cancellationToken) == 1;
    }

    /// <summary>Who signed in before stays who they are, groups included; somebody new is let in as at the sign-in page.</summary>
    private async Task<UserStanding?> UserAsync(AuthProvider provider, JsonWebToken token, CancellationToken cancellationToken)
    {
        if (await people.Find(provider, token.Subject, cancellationToken) is { } known)
        {
            return known;
        }

        var email = Text(token, "email");
        var verified = provider.Settings.TrustEmail || (token.TryGetPayloadValue<bool>("email_verified", out var said) && said);
        var identity = new ExternalIdentity(token.Subject, Text(token, "name") ?? email ?? token.Subject, email, verified, []);
        return (await people.SignIn(provider, identity, cancellationToken)).User;
    }

    private static string? Text(JsonWebToken token, string claim) => token.TryGetPayloadValue<string>(claim, out var text) ? text : null;
}
