using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Chat.IdentityProviders;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.LocalAccounts;

namespace Obot.Chat.LocalAccounts;

/// <summary>Forms of people with a password of ours.</summary>
internal static class LocalAccountEndpoints
{
    public const string SignInPath = "/session/local";
    public const string SetPath = "/session/password";
    public const string ChangePath = "/session/password/change";
    public const string SetPage = "/login/password";

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost(SignInPath, SignInAsync).WithMetadata(new PageMetadata()).AllowAnonymous().ExcludeFromDescription();
        endpoints.MapPost(SetPath, SetAsync).WithMetadata(new PageMetadata()).AllowAnonymous().ExcludeFromDescription();
        endpoints.MapPost(ChangePath, ChangeAsync).WithMetadata(new PageMetadata()).RequireAuthorization(SessionSetup.Policy).ExcludeFromDescription();
    }

    private static async Task<IResult> SignInAsync(
        HttpContext context, ILocalAccounts accounts, SessionSignIn sessions, KnownDevice devices, [FromForm] string? userName, [FromForm] string? password, [FromForm] string? returnUrl)
    {
        var name = userName ?? "";
        var address = context.Connection.RemoteIpAddress?.ToString() ?? "";
        var result = await accounts.SignIn(name, password ?? "", devices.Read(context, name), address, context.RequestAborted);
        if (result.User is not { } user)
        {
            return Results.Redirect(result.Wait > TimeSpan.Zero
                ? SignInFailures.Url(SignInFailures.Wait, returnUrl, SessionEndpoints.Seconds(result.Wait))
                : SignInFailures.Url(SignInFailures.Password, returnUrl));
        }

        devices.Write(context, name, result.Device!);
        await sessions.OpenAsync(context, user.As(user.UserId, Scopes.All), SessionProviders.Local);
        return Onward.To(returnUrl);
    }

    private static async Task<IResult> SetAsync(HttpContext context, ILocalAccounts accounts, SessionSignIn sessions, [FromForm] string? code, [FromForm] string? password, [FromForm] string? again)
    {
        if (await accounts.CountAttempt(context.Connection.RemoteIpAddress?.ToString() ?? "", context.RequestAborted) is var wait && wait > TimeSpan.Zero)
        {
            return Results.Redirect(SignInFailures.Url(SignInFailures.Wait, returnUrl: null, SessionEndpoints.Seconds(wait)));
        }

        try
        {
            if (password != again)
            {
                return Results.Redirect($"{SetPage}?code={Uri.EscapeDataString(code ?? "")}&failed=differ");
            }

            if (await accounts.SetPassword(code ?? "", password ?? "", context.RequestAborted) is not { } user)
            {
                return Results.Redirect(SignInFailures.Url(SignInFailures.Code, returnUrl: null));
            }

            await sessions.OpenAsync(context, user.As(user.UserId, Scopes.All), SessionProviders.Local);
            return Results.LocalRedirect("/");
        }
        catch (InvalidInputException)
        {
            return Results.Redirect($"{SetPage}?code={Uri.EscapeDataString(code ?? "")}&failed=weak");
        }
    }

    /// <summary>All other sessions end, and this one continues under a new id.</summary>
    private static async Task<IResult> ChangeAsync(HttpContext context, ILocalAccounts accounts, SessionSignIn sessions, [FromForm] string? current, [FromForm] string? next, [FromForm] string? again)
    {
        var session = await context.AuthenticateAsync(SessionPrincipal.Scheme);
        if (SessionPrincipal.Of(session.Principal) is not { } caller)
        {
            return Results.LocalRedirect(SessionSetup.LoginPath);
        }

        try
        {
            if (next != again)
            {
                return Results.LocalRedirect("/sessions?password=differ");
            }

            if (await accounts.ChangePassword(caller, current ?? "", next ?? "", context.RequestAborted) is not { } user)
            {
                return Results.LocalRedirect("/sessions?password=none");
            }

            await sessions.OpenAsync(context, user.As(user.UserId, Scopes.All), SessionProviders.Local);
            return Results.LocalRedirect("/sessions?password=changed");
        }
        catch (InvalidInputException e)
        {
            return Results.LocalRedirect(e.Field == "current" ? "/sessions?password=wrong" : "/sessions?password=weak");
        }
    }
}
