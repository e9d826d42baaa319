using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Tokens;

/// <summary>
/// <c>/oauth/token</c>, after OpenIddict checked client, grant, proof key and resource: is the user still one, and what does the next
/// token carry.
/// </summary>
internal sealed class TokenEndpoint(IOpenIddictApplicationManager applications, EnterpriseGrant enterprise, IUserDirectory users, Resources resources)
{
    /// <summary>Property of a client that acts as a service account: the account's user id.</summary>
    public const string ServiceAccount = "service_account";

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        var request = context.GetOpenIddictServerRequest();
        if (request is null || context.GetOpenIddictServerResponse() is { Error: not null })
        {
            return Grants.Refuse(Errors.InvalidRequest, "The token request is not right.");
        }

        if (request.IsAuthorizationCodeGrantType() || request.IsRefreshTokenGrantType())
        {
            return await AgainAsync(context);
        }

        return request.IsClientCredentialsGrantType() ? await ServiceAsync(request, context.RequestAborted)
            : request.IsTokenExchangeGrantType() ? await ExchangeAsync(context, request)
            : request.GrantType == EnterpriseGrant.GrantType ? await enterprise.HandleAsync(request, context.RequestAborted)
            : Grants.Refuse(Errors.UnsupportedGrantType, "Use authorization_code, refresh_token, client_credentials, token exchange or an identity assertion (jwt-bearer).");
    }

    /// <summary>A code or a refresh token: the same grant, for the user as they are now.</summary>
    private async Task<IResult> AgainAsync(HttpContext context)
    {
        var grant = await GrantOfAsync(context);
        if (grant?.GetResources() is not [var uri] || !resources.TryParse(uri, out var resource))
        {
            return Grants.Refuse(Errors.InvalidGrant, "The grant is for a resource that is not served here any more.");
        }

        return await users.Find(grant.GetClaim(Claims.Subject)!, context.RequestAborted) is { } user
            ? Grants.SignIn(user, resource, grant.GetScopes(), grant)
            : Grants.Refuse(Errors.InvalidGrant, "The user is disabled or gone.");
    }

    /// <summary>Client credentials (OAuth 2.1, section 4.2): only for clients that are somebody, a service account.</summary>
    private async Task<IResult> ServiceAsync(OpenIddictRequest request, CancellationToken cancellationToken)
    {
        var client = await applications.FindByClientIdAsync(request.ClientId!, cancellationToken);
        var properties = await applications.GetPropertiesAsync(client!, cancellationToken);
        if (!properties.TryGetValue(ServiceAccount, out var account) || await users.Find(account.GetString()!, cancellationToken) is not { } user)
        {
            return Grants.Refuse(Errors.UnauthorizedClient, "The client is no service account, or its account is disabled.");
        }

        return resources.TryParse(request.GetResources()[0], out var resource)
            ? Grants.SignIn(user, resource, [resource.Scope])
            : Grants.Refuse(Errors.InvalidTarget, "The resource is not one of this platform.");
    }

    /// <summary>
    /// Token exchange (RFC 8693) of an access token of ours, by the confidential client that it was issued to, for another resource of
    /// the same kind. A public client cannot: whoever stole a token for one server would have one for all.
    /// </summary>
    private async Task<IResult> ExchangeAsync(HttpContext context, OpenIddictRequest request)
    {
        var client = await applications.FindByClientIdAsync(request.ClientId!, context.RequestAborted);
        if (!await applications.HasClientTypeAsync(client!, ClientTypes.Confidential, context.RequestAborted))
        {
            return Grants.Refuse(Errors.UnauthorizedClient, "Only a client with a secret may exchange tokens.");
        }

        var subject = await GrantOfAsync(context);
        if (subject?.GetClaim(Claims.Subject) is not { } userId || subject.GetClaim(Claims.ClientId) != request.ClientId
            || await users.Find(userId, context.RequestAborted) is not { } user)
        {
            return Grants.Refuse(Errors.InvalidGrant, "The subject token is not one that was issued to this client for a user who is still here.");
        }

        if (!resources.TryParse(request.GetResources()[0], out var resource) || !subject.HasScope(resource.Scope))
        {
            return Grants.Refuse(Errors.InvalidTarget, "The subject token is not good for that kind of resource.");
        }

        return Grants.SignIn(user, resource, [resource.Scope]);
    }

    private static async Task<ClaimsPrincipal?> GrantOfAsync(HttpContext context) =>
        (await context.AuthenticateAsync(OpenIddictServerAspNetCoreDefaults.AuthenticationScheme)).Principal;
}
