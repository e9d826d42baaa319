using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Authorization;

/// <summary>What a person is asked: may this client, which will be answered there, do this in my name.</summary>
internal sealed record ConsentQuestion(
    string ClientId, string? ClientName, string RedirectUri, Resource Resource, ImmutableArray<string> Scopes, Principal Caller, string UserName)
{
    /// <summary>Everything that the answer is about, and whose session gave it.</summary>
    public string Text => string.Join('\n', [Caller.CredentialId, Caller.UserId, ClientId, RedirectUri, Resource.Uri, .. Scopes]);
}

/// <summary>The one page of the authorization server: plain HTML, no script, never framed. Its form carries a token for this very question.</summary>
internal sealed class ConsentPage(IDataProtectionProvider protection)
{
    public const string Decision = "obot_decision";
    public const string Token = "obot_consent";
    public const string Allow = "allow";
    private static readonly TimeSpan GoodFor = TimeSpan.FromMinutes(15);
    private static readonly HtmlEncoder Html = HtmlEncoder.Default;

    private readonly ITimeLimitedDataProtector protector = protection.CreateProtector("obot-consent").ToTimeLimitedDataProtector();

    public IResult Ask(ConsentQuestion question, OpenIddictRequest request)
    {
        var redirect = new Uri(question.RedirectUri);
        var name = question.ClientName ?? "An application without a name";
        var hidden = new StringBuilder();
        foreach (var (key, value) in request.GetParameters())
        {
            foreach (var text in (ImmutableArray<string?>?)value ?? [])
            {
                hidden.Append(System.Globalization.CultureInfo.InvariantCulture, $"""<input type="hidden" name="{Html.Encode(key)}" value="{Html.Encode(text ?? "")}">""");
            }
        }

        var scopes = string.Concat(question.Scopes.Select(scope => $"<li>{Html.Encode(Words(scope, question.Resource))}</li>"));
        var origin = redirect.Scheme is "http" or "https" ? redirect.GetLeftPart(UriPartial.Authority) : redirect.Scheme + ":";
        return new PlainPage(
            $"""
            <h1>{Html.Encode(name)} wants to connect</h1>
            <p>You are signed in as <b>{Html.Encode(question.UserName)}</b>. It would be allowed to:</p>
            <ul>{scopes}</ul>
            <dl>
            <dt>Answers go to</dt><dd>{Html.Encode(redirect.Scheme is "http" or "https" ? redirect.Authority : question.RedirectUri)}{(redirect.IsLoopback ? " (an application on this computer)" : "")}</dd>
            <dt>Client</dt><dd>{Html.Encode(question.ClientId)}</dd>
            </dl>
            <p class="hint">The name is the application's own word. Go on only if you started this yourself, just now. Your answer is remembered; you can take it back any time.</p>
            <form method="post" action="{OAuthSetup.Prefix}/authorize">{hidden}<input type="hidden" name="{Token}" value="{protector.Protect(Digest(question), GoodFor)}">
            <button name="{Decision}" value="{Allow}" class="main">Allow</button> <button name="{Decision}" value="deny">Cancel</button></form>
            """,
            StatusCodes.Status200OK,
            $"form-action 'self' {origin}");
    }

    /// <summary>Whether the answer came from a page that asked exactly this in exactly this session.</summary>
    public bool IsAnswerTo(ConsentQuestion question, StringValues token)
    {
        try
        {
            return token is [{ Length: > 0 } text] && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(protector.Unprotect(text)), Encoding.ASCII.GetBytes(Digest(question)));
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>For errors that cannot be sent to the client, because who it is or where it waits is not certain.</summary>
    public IResult Trouble(string error, string? description) => new PlainPage(
        $"""
        <h1>This sign-in cannot go on</h1>
        <p>{Html.Encode(description ?? "The request of the application is not right.")}</p>
        <p class="hint">Error <code>{Html.Encode(error)}</code>. Start again in your client; if it happens again, show this to its maker or your administrator.</p>
        """,
        StatusCodes.Status400BadRequest,
        "form-action 'none'");

    /// <summary>Goes on to a path of ours by a navigation of its own.</summary>
    public static IResult Forward(HttpContext context, string path)
    {
        context.Response.Headers["Refresh"] = $"0;url={path}";
        return new PlainPage($"""<p>Signed in. <a href="{Html.Encode(path)}">Go on</a></p>""", StatusCodes.Status200OK, "form-action 'none'");
    }

    private static string Digest(ConsentQuestion question) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(question.Text)));

    private static string Words(string scope, Resource resource) => scope switch
    {
        Obot.Grains.Abstractions.Identity.Scopes.Mcp => $"use the MCP server at {resource.Uri} in your name",
        Obot.Grains.Abstractions.Identity.Scopes.Api => "use the management API in your name",
        Obot.Grains.Abstractions.Identity.Scopes.Llm => "use language models in your name",
        Obot.Grains.Abstractions.Identity.Scopes.Registry => "list the MCP servers that you may call",
        OpenIddictConstants.Scopes.OfflineAccess => "stay connected until you take it back",
        _ => "know your name and your id",
    };
}
