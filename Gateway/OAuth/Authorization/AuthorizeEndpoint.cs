using System.Collections.Immutable;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Credentials;
using Obot.Gateway.OAuth.Clients;
using Obot.Gateway.OAuth.Tokens;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Authorization;

/// <summary>
/// <c>/oauth/authorize</c>, after OpenIddict checked client, redirect URI and proof key: who sits at the browser, and do they agree.
/// </summary>
internal sealed class AuthorizeEndpoint(IOpenIddictApplicationManager applications, Consents consents, ConsentPage page, IUserDirectory users, IConnections connections, Resources resources)
{
    private const string LoginPath = "/login";

    public async Task<IResult> HandleAsync(HttpContext context)
    {
        var cancellationToken = context.RequestAborted;
        if (context.GetOpenIddictServerResponse() is { Error: { } error } failed)
        {
            return page.Trouble(error, failed.ErrorDescription);
        }

        var request = context.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("OpenIddict did not see this request.");
        var client = await applications.FindByClientIdAsync(request.ClientId!, cancellationToken) ?? throw new InvalidOperationException("OpenIddict let an unknown client pass.");
        if (!resources.TryParse(request.GetResources()[0], out var resource))
        {
            return Grants.Refuse(Errors.InvalidTarget, "The resource is not one of this platform.");
        }

        var caller = SessionPrincipal.Of((await context.AuthenticateAsync(SessionPrincipal.Scheme)).Principal);
        if (caller is null || request.HasPromptValue(PromptValues.Login) || await users.Find(caller.UserId, cancellationToken) is not { } user)
        {
            return request.HasPromptValue(PromptValues.None)
                ? RefuseUnseen(request, Errors.LoginRequired, "Nobody is signed in at this browser.")
                : Results.Redirect($"{LoginPath}?returnUrl={Uri.EscapeDataString($"{OAuthSetup.Prefix}/continue{Query(request)}")}");
        }

        if (!caller.Has(resource.Scope) || (resource.ServerId is { } server && !caller.Reaches(server)))
        {
            return Grants.Refuse(Errors.AccessDenied, "This session was opened with a credential that does not reach what the client asks for. Sign in as yourself.");
        }

        var refreshable = await applications.HasPermissionAsync(client, Permissions.Prefixes.GrantType + GrantTypes.RefreshToken, cancellationToken);
        var scopes = Grants.ScopesFor(resource, request.GetScopes(), refreshable);
        return await DecideAsync(context, request, client, caller, user, resource, scopes);
    }

    /// <summary>
    /// Where the sign-in page sends a browser: an answer of its own ends the form's navigation, whose Content-Security-Policy would forbid
    /// the redirect to the client behind it.
    /// </summary>
    public static IResult Continue(HttpContext context) => ConsentPage.Forward(context, $"{OAuthSetup.Prefix}/authorize{context.Request.QueryString}");

    private async Task<IResult> DecideAsync(
        HttpContext context, OpenIddictRequest request, object client, Principal caller, UserStanding user, Resource resource, ImmutableArray<string> scopes)
    {
        var cancellationToken = context.RequestAborted;
        var question = new ConsentQuestion(
            request.ClientId!, await applications.GetDisplayNameAsync(client, cancellationToken), request.RedirectUri!, resource, scopes, caller, user.Name);
        if (HttpMethods.IsPost(context.Request.Method) && context.Request.HasFormContentType && context.Request.Form[ConsentPage.Decision] is [{ } decision])
        {
            if (!page.IsAnswerTo(question, context.Request.Form[ConsentPage.Token]))
            {
                return page.Trouble(Errors.InvalidRequest, "The page that asked for your consent is too old, or was not ours. Start again in your client.");
            }

            if (decision != ConsentPage.Allow)
            {
                return Grants.Refuse(Errors.AccessDenied, "The user said no.");
            }

            await consents.RememberAsync(caller.UserId, client, scopes, cancellationToken);
            return await ConnectFirstAsync(context, request, caller, resource) ?? Grants.SignIn(user, resource, scopes);
        }

        if (!request.HasPromptValue(PromptValues.Consent) && await consents.IsGivenAsync(caller.UserId, client, scopes, cancellationToken))
        {
            return (request.HasPromptValue(PromptValues.None) ? null : await ConnectFirstAsync(context, request, caller, resource)) ?? Grants.SignIn(user, resource, scopes);
        }

        return request.HasPromptValue(PromptValues.None)
            ? RefuseUnseen(request, Errors.ConsentRequired, "The user has not agreed to this client yet.")
            : page.Ask(question, request);
    }

    /// <summary>
    /// Chained consent: the server behind the resource trusts a third party, so the browser goes on to it and comes back here. Null when there is
    /// nothing to connect, also for somebody who just said no there: calls say what is missing.
    /// </summary>
    private async Task<IResult?> ConnectFirstAsync(HttpContext context, OpenIddictRequest request, Principal caller, Resource resource) =>
        resource.ServerId is { } serverId && await connections.IsNeeded(caller.UserId, serverId, context.RequestAborted)
        && await connections.Find(caller, serverId, context.RequestAborted) is not null
            ? ConsentPage.Forward(context, $"{ConnectEndpoints.ConnectPath}/{serverId}?returnUrl={Uri.EscapeDataString($"{OAuthSetup.Prefix}/authorize{Query(request)}")}")
            : null;

    /// <summary>
    /// A refusal that nobody clicked for goes to an application on the same computer, but never to a page somewhere: with a client that
    /// anybody may register, this address would send people wherever its maker likes (RFC 9700, section 4.11.2).
    /// </summary>
    private IResult RefuseUnseen(OpenIddictRequest request, string error, string description) =>
        RedirectUris.IsLoopback(request.RedirectUri!) ? Grants.Refuse(error, description) : page.Trouble(error, description);

    /// <summary>The request again, without the order to sign in that has been followed then.</summary>
    private static QueryString Query(OpenIddictRequest request) => QueryString.Create(
        from parameter in request.GetParameters()
        where parameter.Key is not (Parameters.Prompt or ConsentPage.Decision or ConsentPage.Token)
        from value in (ImmutableArray<string?>?)parameter.Value ?? []
        select KeyValuePair.Create(parameter.Key, value));
}
