using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Gateway.OAuth;
using Obot.Gateway.OAuth.Authorization;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Credentials;

/// <summary>
/// The browser's way to a third party and back: <c>/oauth/mcp/connect/{serverId}</c>, which MCP clients are told to open, and
/// <c>/oauth/mcp/callback</c>. Whoever sits there connects an account of their own: the session says who that is.
/// </summary>
internal sealed class ConnectEndpoints(IConnections connections, Resources resources)
{
    public const string ConnectPath = "/oauth/mcp/connect";
    private const string CallbackPath = "/oauth/mcp/callback";
    private const string MetadataPath = "/oauth/client-metadata.json";
    private static readonly HtmlEncoder Html = HtmlEncoder.Default;

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet($"{ConnectPath}/{{serverId}}", (HttpContext context, ConnectEndpoints self, string serverId) => self.ConnectAsync(context, serverId)).ExcludeFromDescription();
        endpoints.MapGet(CallbackPath, (HttpContext context, ConnectEndpoints self) => self.CallbackAsync(context)).ExcludeFromDescription();
        endpoints.MapGet(MetadataPath, (ConnectEndpoints self) => self.Describe()).ExcludeFromDescription();
    }

    private async Task<IResult> ConnectAsync(HttpContext context, string serverId)
    {
        if (await CallerAsync(context) is not { } caller)
        {
            return SignInFirst(context);
        }

        var returnPath = context.Request.Query["returnUrl"] is [{ Length: > 0 } path] ? path : null;
        try
        {
            return await connections.Connect(caller, serverId, returnPath, context.RequestAborted) switch
            {
                null => Page(StatusCodes.Status404NotFound, "There is no such server", "It was removed, or you may not use it."),
                { Url: { } url } => Results.Redirect(url),
                { NotNeeded: true, ReturnPath: { } back } => Results.Redirect(back),
                { NotNeeded: true } => Page(StatusCodes.Status200OK, "Nothing to connect", "This server asks for no account of yours. You can close this window and go on in your client."),
                var outcome => Trouble(outcome),
            };
        }
        catch (InvalidInputException e)
        {
            return Page(StatusCodes.Status400BadRequest, "This link is not right", e.Message);
        }
    }

    private async Task<IResult> CallbackAsync(HttpContext context)
    {
        if (await CallerAsync(context) is not { } caller)
        {
            return SignInFirst(context);
        }

        string? Of(string name) => context.Request.Query[name] is [{ Length: > 0 } value] ? value : null;
        try
        {
            var outcome = await connections.Complete(caller, Of("state"), new("", Of("code"), Of("iss"), Of("error"), Of("error_description")), context.RequestAborted);
            return outcome switch
            {
                { Fault: not null } => Trouble(outcome),
                { ReturnPath: { } back } => Results.Redirect(back),
                _ => Page(StatusCodes.Status200OK, "Your account is connected", "You can close this window and go on in your client."),
            };
        }
        catch (NotAllowedException e)
        {
            return Page(StatusCodes.Status403Forbidden, "This sign-in cannot be finished", e.Message);
        }
    }

    /// <summary>draft-ietf-oauth-client-id-metadata-document: who we are to third parties that read such a document.</summary>
    private IResult Describe() => Results.Json(new
    {
        client_id = $"{resources.Issuer}{MetadataPath}",
        client_name = "Obot",
        client_uri = resources.Issuer,
        redirect_uris = new[] { $"{resources.Issuer}{CallbackPath}" },
        grant_types = new[] { "authorization_code", "refresh_token" },
        response_types = new[] { "code" },
        token_endpoint_auth_method = "none",
        application_type = "web",
    });

    private static async Task<Principal?> CallerAsync(HttpContext context) => SessionPrincipal.Of((await context.AuthenticateAsync(SessionPrincipal.Scheme)).Principal);

    private static IResult SignInFirst(HttpContext context) =>
        Results.Redirect($"/login?returnUrl={Uri.EscapeDataString($"{context.Request.Path}{context.Request.QueryString}")}");

    /// <summary>A client's own sign-in goes on without the account; its calls say what is missing.</summary>
    private static PlainPage Trouble(ConnectOutcome outcome) => new PlainPage(
        $"""
        <h1>Your account is not connected</h1>
        <p>{Html.Encode(outcome.Fault ?? "")}</p>
        {(outcome.ReturnPath is { } back ? $"""<p><a href="{Html.Encode(back)}">Go on without it</a></p>""" : "")}
        <p class="hint">If it happens again, show this to your administrator.</p>
        """,
        StatusCodes.Status400BadRequest,
        "form-action 'none'");

    private static PlainPage Page(int status, string title, string text) =>
        new PlainPage($"<h1>{Html.Encode(title)}</h1><p>{Html.Encode(text)}</p>", status, "form-action 'none'");
}
