using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using MudBlazor.Services;
using Obot.Chat.Components;
using Obot.Chat.Conversations;
using Obot.Chat.Conversations.Apps;
using Obot.Chat.Http;
using Obot.Chat.Sessions;

namespace Obot.Chat;

/// <summary>HTTP for people: chat and the admin console.</summary>
public static class ChatSetup
{
    /// <summary>
    /// Needs <c>IDbContextFactory&lt;ObotDb&gt;</c> and the ports <c>IMcpServers</c>, <c>IApiKeys</c>, <c>ISecurityFeed</c> and those of sign-in, and <c>AddSessions</c>. Reads
    /// <c>Obot:ClusterId</c> and <c>Obot:PublicUrl</c>.
    /// </summary>
    public static IServiceCollection AddChat(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddPageSessions().AddSignIn();
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddMudServices(options => options.SnackbarConfiguration.PreventDuplicates = true);
        services.AddSingleton(new ConnectUrls(configuration["Obot:PublicUrl"]));
        services.AddScoped<ChatNews>();
        return services;
    }

    /// <summary>Antiforgery and the headers of pages. Before the endpoints run, after authentication and authorization.</summary>
    public static IApplicationBuilder UseChat(this IApplicationBuilder app) =>
        app.UseMiddleware<SecurityHeaders>().UseAntiforgery();

    /// <returns>The pages; all but <c>/login</c> need a signed-in user.</returns>
    public static IEndpointConventionBuilder MapChat(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapStaticAssets().AllowAnonymous();
        endpoints.MapSignIn();
        endpoints.MapAppFrames();
        var pages = endpoints.MapRazorComponents<App>().AddInteractiveServerRenderMode(options =>
        {
            options.ContentSecurityFrameAncestorsPolicy = "'none'";

            // secrets travel on this socket next to what others may choose (CRIME, BREACH)
            options.DisableWebSocketCompression = true;
        });
        pages.WithMetadata(new PageMetadata()).RequireAuthorization(SessionSetup.Policy);
        pages.Add(RefuseNegotiation);
        return pages;
    }

    /// <summary>A negotiated connection would need its second request at the same silo: WebSocket without negotiation needs none.</summary>
    private static void RefuseNegotiation(EndpointBuilder endpoint)
    {
        if (endpoint is RouteEndpointBuilder { RoutePattern.RawText: { } pattern } && pattern.EndsWith("_blazor/negotiate", StringComparison.Ordinal))
        {
            endpoint.RequestDelegate = context =>
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            };
        }
    }
}

/// <summary>Marks endpoints that answer people.</summary>
internal sealed class PageMetadata;

/// <summary>Addresses that MCP clients are given.</summary>
public sealed class ConnectUrls(string? publicUrl)
{
    /// <param name="baseUri">Where the page came from; used when <c>Obot:PublicUrl</c> is not set.</param>
    /// <param name="serverId">Id of the server.</param>
    public string Of(string baseUri, string serverId) =>
        $"{(string.IsNullOrEmpty(publicUrl) ? baseUri : publicUrl).TrimEnd('/')}/mcp-connect/{serverId}";
}
