using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Obot.Gateway.Audit;
using Obot.Gateway.Authentication;
using Obot.Gateway.Control;
using Obot.Gateway.Credentials;
using Obot.Gateway.Filters;
using Obot.Gateway.Limits;
using Obot.Gateway.Llm;
using Obot.Gateway.Management;
using Obot.Gateway.Mcp;
using Obot.Gateway.OAuth;
using Obot.Gateway.Registry;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Contracts.Exchange;

namespace Obot.Gateway;

/// <summary>HTTP for machines.</summary>
public static class GatewaySetup
{
    public static IServiceCollection AddGateway(this IServiceCollection services, IConfiguration configuration)
    {
        services.Configure<AddressOptions>(configuration.GetSection("Obot"));
        services.Configure<GatewayOptions>(configuration.GetSection("Obot:Gateway"));
        services.Configure<SecurityOptions>(configuration.GetSection("Obot:Security"));
        services.Configure<LimitOptions>(configuration.GetSection("Obot:Limits"));
        services.AddHttpForwarder();
        services.AddSingleton<Hosts>().AddSingleton<VerdictCache>().AddSingleton<UserRates>();
        services.AddSingleton<RouteTable>().AddSingleton<GuardForwarder>().AddSingleton<ParkedStream>().AddSingleton<McpEndpoint>().AddSingleton<ComponentEndpoint>();
        services.AddSingleton<CallerAuthenticator>().AddSingleton<ICallerAuthenticator>(provider => provider.GetRequiredService<CallerAuthenticator>());
        services.AddSingleton<RefusalLog>().AddSingleton<RecordIntake>();
        services.AddSingleton<PolicyPush>().AddSingleton<ControlEndpoint>();
        services.Configure<RegistryOptions>(configuration.GetSection("Obot:Registry")).AddSingleton<RegistryEndpoints>();
        services.AddSingleton<PolicyPush>().AddSingleton<ControlEndpoint>().AddSingleton<FilterEndpoint>();
        services.AddSingleton<GuardSession>().AddSingleton<PoolSession>();
        services.AddLlmGateway();
        services.AddCredentialEndpoints();
        services.AddManagement();
        services.AddOAuth(configuration);
        return services;
    }

    /// <summary>
    /// Refuses foreign hosts and origins, and keeps the internal listener for guards: their control endpoint, their token exchange and their
    /// filter servers, which answer nowhere else. Then serves <c>/mcp-connect/{serverId}</c>.
    /// </summary>
    public static IApplicationBuilder UseGateway(this IApplicationBuilder app, int controlPort)
    {
        var hosts = app.ApplicationServices.GetRequiredService<Hosts>();
        var control = app.ApplicationServices.GetRequiredService<ControlEndpoint>();
        var filters = app.ApplicationServices.GetRequiredService<FilterEndpoint>();
        var exchange = app.ApplicationServices.GetRequiredService<ExchangeEndpoint>();
        var components = app.ApplicationServices.GetRequiredService<ComponentEndpoint>();
        app.MapWhen(context => context.Connection.LocalPort == controlPort, inner => inner.UseWebSockets().Run(context =>
        {
            if (context.Request.Path.StartsWithSegments(ComponentEndpoint.Prefix, StringComparison.Ordinal, out var component) && component.Value is ['/', .. var name])
            {
                return components.HandleAsync(context, name);
            }

            if (context.Request.Path == "/control")
            {
                return control.HandleAsync(context);
            }

            if (context.Request.Path == ExchangeForm.Path)
            {
                return exchange.HandleAsync(context);
            }

            if (context.Request.Path.StartsWithSegments(FilterCalls.Path, StringComparison.Ordinal, out var filter))
            {
                return filters.HandleAsync(context, filter.Value.AsSpan().Trim('/').ToString());
            }

            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.CompletedTask;
        }));
        var refusals = app.ApplicationServices.GetRequiredService<RefusalLog>();
        app.Use(next => context =>
            context.Request.Path.StartsWithSegments(McpEndpoint.Prefix, StringComparison.Ordinal, out var rest) ? refusals.InvokeAsync(context, rest.Value.AsSpan().Trim('/').ToString(), next) : next(context));
        app.Use(next => context => hosts.InvokeAsync(context, next));

        app.UseOAuthAddress();

        // the data path leaves here: no routing, no session middleware, nothing that a page needs
        app.UseLlmGateway();
        var mcp = app.ApplicationServices.GetRequiredService<McpEndpoint>();
        return app.Use(next => context =>
            context.Request.Path.StartsWithSegments(McpEndpoint.Prefix, StringComparison.Ordinal, out var rest)
                ? mcp.HandleAsync(context, rest.Value.AsSpan().Trim('/').ToString())
                : next(context));
    }

    /// <summary>The management API and the authorization server.</summary>
    public static void MapGateway(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOAuth();
        RegistryEndpoints.Map(endpoints);
        ConnectEndpoints.Map(endpoints);
        endpoints.MapManagement();
    }
}
