using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Chat.IdentityProviders;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.LocalAccounts;

namespace Obot.Chat.Sessions;

/// <summary>The forms that begin and end sessions without an identity provider. Each carries an antiforgery token, which the binding of form fields checks.</summary>
internal static class SessionEndpoints
{
    public const string SignInPath = "/session";
    public const string SignOutPath = "/session/end";

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost(SignInPath, SignInAsync).WithMetadata(new PageMetadata()).AllowAnonymous().ExcludeFromDescription();
        endpoints.MapPost(SignOutPath, SignOutAsync).WithMetadata(new PageMetadata()).RequireAuthorization(SessionSetup.Policy).ExcludeFromDescription();
    }

    private static async Task<IResult> SignInAsync(
        HttpContext context, ISignIn signIn, ILocalAccounts accounts, SessionSignIn sessions, [FromForm] string? token, [FromForm] string? code, [FromForm] string? returnUrl)
    {
        var isCode = !string.IsNullOrWhiteSpace(code);
        var presented = (isCode ? code : token)?.Trim() ?? "";
        var address = context.Connection.RemoteIpAddress?.ToString() ?? "";
        if (await accounts.CountAttempt(address, context.RequestAborted) is var wait && wait > TimeSpan.Zero)
        {
            return Results.Redirect(SignInFailures.Url(SignInFailures.Wait, returnUrl, Seconds(wait)));
        }

        var principal = presented.Length == 0 ? null
            : isCode ? await signIn.WithCode(presented, context.RequestAborted)
            : await signIn.WithToken(presented, context.RequestAborted);
        if (principal is null || !principal.Has(Scopes.Api))
        {
            var failure = isCode ? SignInFailures.Code : signIn.WhyRefused(presented) is null ? SignInFailures.Token : SignInFailures.Bootstrap;
            return Results.Redirect(SignInFailures.Url(failure, returnUrl));
        }

        var provider = isCode ? SessionProviders.Link : signIn.WhyRefused(presented) is null ? SessionProviders.ApiKey : SessionProviders.Bootstrap;
        await accounts.ForgiveAttempt(address, context.RequestAborted);
        await sessions.OpenAsync(context, principal, provider);
        return Onward.To(returnUrl);
    }

    /// <summary>The field makes the binding check the antiforgery token.</summary>
    private static async Task<IResult> SignOutAsync(HttpContext context, [FromForm] string? reason)
    {
        _ = reason;
        await context.SignOutAsync(SessionPrincipal.Scheme);
        return Results.LocalRedirect(SessionSetup.LoginPath);
    }

    internal static string Seconds(TimeSpan wait) => Math.Ceiling(wait.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
}
