using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Validation;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Abstractions.OpenIddictExceptions;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>
/// What an access token of ours proves: signature, issuer, expiry and the state of its entry by OpenIddict; audience and scope here;
/// the user's standing from the directory. Asked once per token, then the verdict cache answers.
/// </summary>
internal sealed class AccessTokens(IServiceScopeFactory scopes, Resources resources, IUserDirectory users)
{
    /// <summary>A compact JWS; saves the parser what cannot be one.</summary>
    public static bool LooksLike(string credential) => credential.StartsWith("eyJ", StringComparison.Ordinal) && credential.AsSpan().Count('.') == 2;

    /// <returns>Null when it is not, or no longer, good.</returns>
    public async Task<(Principal Principal, DateTimeOffset ExpiresAt)?> Authenticate(string token, CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        System.Security.Claims.ClaimsPrincipal claims;
        try
        {
            claims = await scope.ServiceProvider.GetRequiredService<OpenIddictValidationService>().ValidateAccessTokenAsync(token, cancellationToken);
        }
        catch (ProtocolException)
        {
            return null;
        }

        if (claims.GetAudiences() is not [var audience] || !resources.TryParse(audience, out var resource)
            || claims.GetClaim(Claims.Subject) is not { } subject || (claims.GetAuthorizationId() ?? claims.GetTokenId()) is not { } credential
            || claims.GetExpirationDate() is not { } expires || await users.Find(subject, cancellationToken) is not { } user)
        {
            return null;
        }

        var granted = claims.HasScope(resource.Scope) ? new[] { resource.Scope } : [];
        var principal = user.As(credential, granted, resource.ServerId is { } server ? [server] : null) with { ClientId = claims.GetClaim(Claims.ClientId) };
        return (principal, expires);
    }
}
