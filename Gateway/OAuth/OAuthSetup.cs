using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Gateway.Management;
using Obot.Gateway.OAuth.Authorization;
using Obot.Gateway.OAuth.Clients;
using Obot.Gateway.OAuth.Tokens;
using Obot.Grains.Abstractions.Identity;
using OpenIddict.EntityFrameworkCore.Models;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using Scopes = Obot.Grains.Abstractions.Identity.Scopes;

namespace Obot.Gateway.OAuth;

/// <summary>
/// The OAuth 2.1 authorization server for MCP clients. OpenIddict speaks the protocol; what stands here is what it leaves to its host:
/// who signs in, what they agree to, what a token is for, and where clients come from.
/// </summary>
internal static class OAuthSetup
{
    public const string Prefix = "/oauth";

    public static IServiceCollection AddOAuth(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<OAuthOptions>().Bind(configuration.GetSection("Obot:OAuth")).Validate(
            options => options.RefreshTokenLifetime <= TimeSpan.FromDays(30) && options.AccessTokenLifetime <= TimeSpan.FromHours(1) && options.AccessTokenLifetime > TimeSpan.Zero,
            "Obot:OAuth:RefreshTokenLifetime must be 30 days at most, AccessTokenLifetime 1 hour at most.").ValidateOnStart();
        services.AddSingleton<Resources>().AddSingleton<ProtectedResources>().AddSingleton<AccessTokens>().AddSingleton<ConsentPage>();
        services.AddSingleton<IConfigureOptions<OpenIddictServerOptions>, ServerKeys>();
        services.AddSingleton<IOptionsChangeTokenSource<OpenIddictServerOptions>, ServerKeysChange>();
        services.AddScoped<RateWindows>().AddScoped<Registration>().AddScoped<RegisteredClients>().AddScoped<MetadataDocuments>();
        services.AddScoped<Consents>().AddScoped<AuthorizeEndpoint>().AddScoped<TokenEndpoint>();
        services.AddSingleton<TrustedIssuers>().AddScoped<EnterpriseGrant>();
        services.AddHttpClient(TrustedIssuers.HttpClientName, client => client.Timeout = TimeSpan.FromSeconds(5));
        services.AddHostedService<Housekeeping>();
        services.AddOpenIddict()
            .AddCore(core => core
                .ReplaceApplicationManager<OpenIddictEntityFrameworkCoreApplication, ApplicationManager>()
                .ReplaceTokenManager<OpenIddictEntityFrameworkCoreToken, TokenManager>()
                .UseEntityFrameworkCore().UseDbContext<ObotDb>())
            .AddServer(AddServer)
            .AddValidation(validation =>
            {
                validation.UseLocalServer();
                validation.EnableTokenEntryValidation().EnableAuthorizationEntryValidation();
            });
        services.AddOptions<OpenIddictServerOptions>().Configure<IOptions<OAuthOptions>, Resources>((server, oauth, resources) =>
        {
            // the canonical form of such a URL has a slash at its end; an issuer is compared byte for byte
            server.Issuer = new Uri(resources.Issuer, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
            server.AccessTokenLifetime = oauth.Value.AccessTokenLifetime;
            server.RefreshTokenLifetime = oauth.Value.RefreshTokenLifetime;
            server.RefreshTokenReuseLeeway = oauth.Value.RefreshReuseLeeway;
        });
        return services;
    }

    /// <summary>
    /// The authorization server has one address, whatever name a request came by: no document and no redirect is ever built on a Host
    /// header. Without TLS it answers on loopback only (OAuth 2.1, section 1.5).
    /// </summary>
    public static void UseOAuthAddress(this IApplicationBuilder app)
    {
        var address = new Uri(app.ApplicationServices.GetRequiredService<Resources>().Issuer);
        var isSafe = address.Scheme == Uri.UriSchemeHttps || address.IsLoopback;
        app.Use(next => context =>
        {
            if (!IsOurs(context.Request.Path))
            {
                return next(context);
            }

            if (!isSafe)
            {
                return ManagementProblems.Problem(StatusCodes.Status503ServiceUnavailable, "Not safe", $"Sign-in of clients needs https: set Obot:PublicUrl to an https URL (it is '{address}').").ExecuteAsync(context);
            }

            (context.Request.Scheme, context.Request.Host) = (address.Scheme, new(address.Authority));
            return next(context);
        });
    }

    public static void MapOAuth(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapMethods($"{Prefix}/authorize", [HttpMethods.Get, HttpMethods.Post], (HttpContext context, AuthorizeEndpoint self) => self.HandleAsync(context)).ExcludeFromDescription();
        endpoints.MapGet($"{Prefix}/continue", AuthorizeEndpoint.Continue).ExcludeFromDescription();
        endpoints.MapPost($"{Prefix}/token", (HttpContext context, TokenEndpoint self) => self.HandleAsync(context)).ExcludeFromDescription();
        endpoints.MapPost($"{Prefix}/register", (HttpContext context, Registration self) => self.HandleAsync(context)).ExcludeFromDescription();
        ProtectedResources.Map(endpoints);
    }

    private static bool IsOurs(PathString path) =>
        path.StartsWithSegments(Prefix, StringComparison.Ordinal) || path.StartsWithSegments("/.well-known", StringComparison.Ordinal);

    private static void AddServer(OpenIddictServerBuilder server)
    {
        server.SetConfigurationEndpointUris("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")
            .SetAuthorizationEndpointUris($"{Prefix}/authorize")
            .SetTokenEndpointUris($"{Prefix}/token")
            .SetRevocationEndpointUris($"{Prefix}/revoke")
            .SetJsonWebKeySetEndpointUris($"{Prefix}/jwks");
        server.AllowAuthorizationCodeFlow().AllowRefreshTokenFlow().AllowClientCredentialsFlow().AllowTokenExchangeFlow().AllowCustomFlow(EnterpriseGrant.GrantType);
        server.RequireProofKeyForCodeExchange().DisableAccessTokenEncryption().UseReferenceRefreshTokens();
        server.Configure(options => options.CodeChallengeMethods.RemoveWhere(method => method != CodeChallengeMethods.Sha256));
        server.RegisterScopes(Scopes.Mcp, Scopes.Llm, Scopes.Api, Scopes.Registry, "openid", "profile", "offline_access");

        // what a client may ask for follows from the resource, for every client alike
        server.IgnoreScopePermissions().IgnoreResourcePermissions().IgnoreAudiencePermissions().DisableResourceValidation().DisableAudienceValidation();
        server.SetAuthorizationCodeLifetime(TimeSpan.FromMinutes(1));
        server.AddEventHandler(ServerMetadata.Descriptor);
        server.AddEventHandler(ClientDocumentHandler.Descriptor);
        server.AddEventHandler(ResourceHandlers.OfAuthorization);
        server.AddEventHandler(ResourceHandlers.OfToken);
        server.AddEventHandler(RevocationHandler.Descriptor);

        // TLS ends before us; Obot:PublicUrl says what clients see, and plain http is refused there but on loopback
        server.UseAspNetCore().DisableTransportSecurityRequirement()
            .EnableAuthorizationEndpointPassthrough().EnableTokenEndpointPassthrough().EnableErrorPassthrough();
    }
}
