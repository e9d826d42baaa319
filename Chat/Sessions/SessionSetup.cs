using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Sessions;

/// <summary>Sessions of the browser: a ticket in a cookie that every silo of the cluster can open.</summary>
public static class SessionSetup
{
    /// <summary>Authentication scheme of the session cookie.</summary>
    public const string Scheme = "obot-session";

    /// <summary>Authorization policy of the pages: a signed-in user.</summary>
    public const string Policy = "obot-session";

    internal const string SignInPath = "/session";
    internal const string SignOutPath = "/session/end";
    private const string LoginPath = "/login";
    private static readonly TimeSpan Lifetime = TimeSpan.FromHours(12);

    /// <summary>Name of the session cookie: cookies know no ports, so clusters on one host need different ones.</summary>
    public static string CookieName(string clusterId) => $"obot-session-{clusterId}";

    internal static IServiceCollection AddSessions(this IServiceCollection services, string clusterId)
    {
        services.AddHostedService<KeyRingStart>();
        services.AddDataProtection().SetApplicationName($"obot-{clusterId}");
        services.AddOptions<KeyManagementOptions>()
            .Configure<IDbContextFactory<ObotDb>, IEncryption, ILogger<PostgresKeyRing>>((options, databases, encryption, logger) =>
                options.XmlRepository = new PostgresKeyRing(databases, encryption, logger));

        services.AddSingleton<SessionCheck>();
        services.AddAuthentication().AddCookie(Scheme, options =>
        {
            options.Cookie.Name = CookieName(clusterId);
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Lax;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.ExpireTimeSpan = Lifetime;
            options.SlidingExpiration = true;
            options.LoginPath = LoginPath;
            options.ReturnUrlParameter = "returnUrl";
            options.Events.OnValidatePrincipal = async context =>
            {
                var check = context.HttpContext.RequestServices.GetRequiredService<SessionCheck>();
                if (!await check.IsGoodAsync(context.Principal, context.HttpContext.RequestAborted))
                {
                    context.RejectPrincipal();
                    await context.HttpContext.SignOutAsync(Scheme);
                }
            };
        });
        services.AddAuthorizationBuilder().AddPolicy(Policy, policy => policy.AddAuthenticationSchemes(Scheme).RequireAuthenticatedUser());
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, SessionStateProvider>();
        services.AddAntiforgery(options =>
        {
            options.Cookie.Name = $"obot-antiforgery-{clusterId}";
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.SuppressXFrameOptionsHeader = true;
        });
        return services;
    }

    internal static void MapSessions(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost(SignInPath, SignInAsync).WithMetadata(new PageMetadata()).AllowAnonymous().ExcludeFromDescription();
        endpoints.MapPost(SignOutPath, SignOutAsync).WithMetadata(new PageMetadata()).RequireAuthorization(Policy).ExcludeFromDescription();
    }

    /// <summary>The form carries an antiforgery token, which the binding of form fields checks.</summary>
    private static async Task<IResult> SignInAsync(
        HttpContext context, ISignIn signIn, [FromForm] string? token, [FromForm] string? code, [FromForm] string? returnUrl)
    {
        var principal = (token?.Trim(), code?.Trim()) switch
        {
            (_, { Length: > 0 } oneTime) => await signIn.WithCode(oneTime, context.RequestAborted),
            ({ Length: > 0 } presented, _) => await signIn.WithToken(presented, context.RequestAborted),
            _ => null,
        };
        var local = IsLocal(returnUrl) ? returnUrl : "/";
        if (principal is null || !principal.Has(Scopes.Api))
        {
            return Results.Redirect($"{LoginPath}?failed={(string.IsNullOrEmpty(code) ? "token" : "code")}&returnUrl={Uri.EscapeDataString(local)}");
        }

        await context.SignInAsync(Scheme, SessionPrincipal.ToClaims(principal, Scheme), new AuthenticationProperties { IsPersistent = true });
        return Results.LocalRedirect(local);
    }

    private static async Task<IResult> SignOutAsync(HttpContext context, [FromForm] string? reason)
    {
        _ = reason;
        await context.SignOutAsync(Scheme);
        return Results.LocalRedirect(LoginPath);
    }

    /// <summary>A path of ours: an open redirect would lend our name to another site.</summary>
    internal static bool IsLocal([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] string? url) =>
        url is ['/', ..] && url is not ['/', '/' or '\\', ..] && !url.Any(char.IsControl);
}
