using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Sessions;
using SessionOptions = Obot.Grains.Abstractions.Sessions.SessionOptions;

namespace Obot.Chat.Sessions;

/// <summary>Sessions of the browser: the cookie that every silo of the cluster can open, for pages and for <c>/api</c> alike.</summary>
public static class SessionSetup
{
    /// <summary>Authorization policy of the pages: a signed-in user.</summary>
    public const string Policy = "obot-session";

    internal const string LoginPath = "/login";

    /// <summary>
    /// The scheme <see cref="SessionPrincipal.Scheme"/>, for every silo that answers browsers (roles <c>gateway</c> and <c>chat</c>). Reads
    /// <c>Obot:ClusterId</c>, <c>Obot:PublicUrl</c>, <c>Obot:Sessions</c> and <c>Obot:Security:MaxStaleness</c>.
    /// </summary>
    public static IServiceCollection AddSessions(this IServiceCollection services, IConfiguration configuration)
    {
        var clusterId = configuration["Obot:ClusterId"] is { Length: > 0 } id ? id : "obot";
        var cookies = new SessionCookies(clusterId, configuration["Obot:PublicUrl"]?.StartsWith("https://", StringComparison.OrdinalIgnoreCase) is true);
        services.AddSingleton(cookies);
        services.Configure<SessionOptions>(configuration.GetSection("Obot:Sessions"));
        services.Configure<SessionTrustOptions>(configuration.GetSection("Obot:Security"));

        services.AddHostedService<KeyRingStart>();
        services.AddDataProtection().SetApplicationName($"obot-{clusterId}");
        services.AddOptions<KeyManagementOptions>()
            .Configure<IDbContextFactory<ObotDb>, IEncryption, ILogger<PostgresKeyRing>>((options, databases, encryption, logger) =>
                options.XmlRepository = new PostgresKeyRing(databases, encryption, logger));

        services.AddSingleton<LiveSessions>().AddSingleton<SessionTickets>().AddSingleton<SessionSignIn>();
        services.AddAuthentication().AddCookie(SessionPrincipal.Scheme);
        services.AddOptions<CookieAuthenticationOptions>(SessionPrincipal.Scheme).Configure<SessionTickets, IOptions<SessionOptions>>((options, tickets, sessions) =>
        {
            options.SessionStore = tickets;
            options.Cookie.Name = cookies.Session;
            options.Cookie.Path = "/";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Lax;
            options.Cookie.SecurePolicy = cookies.Secure;
            options.ExpireTimeSpan = sessions.Value.AbsoluteTimeout;

            // the grain slides, the cookie does not: it lives until the absolute expiry
            options.SlidingExpiration = false;
            options.LoginPath = LoginPath;
            options.ReturnUrlParameter = "returnUrl";
        });
        services.AddAuthorizationBuilder().AddPolicy(Policy, policy => policy.AddAuthenticationSchemes(SessionPrincipal.Scheme).RequireAuthenticatedUser());
        return services;
    }

    /// <summary>What the pages need beside <see cref="AddSessions"/>.</summary>
    internal static IServiceCollection AddPageSessions(this IServiceCollection services)
    {
        services.AddCascadingAuthenticationState();
        services.AddScoped<AuthenticationStateProvider, SessionStateProvider>();
        services.AddAntiforgery(options => options.SuppressXFrameOptionsHeader = true);
        services.AddOptions<Microsoft.AspNetCore.Antiforgery.AntiforgeryOptions>().Configure<SessionCookies>((options, cookies) =>
        {
            options.Cookie.Name = cookies.Antiforgery;
            options.Cookie.Path = "/";
            options.Cookie.SecurePolicy = cookies.Secure;
        });
        return services;
    }
}
