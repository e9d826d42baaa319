using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.ApiKeys;
using Obot.Grains.Credentials;
using Obot.Grains.Filters;
using Obot.Grains.Hosting;
using Obot.Grains.Identity;
using Obot.Grains.Policies;
using Obot.Grains.Security;

namespace Obot.Grains;

/// <summary>Registers the ports behind management API, console and the data plane's directory.</summary>
public static class ManagementSetup
{
    /// <summary>
    /// Needs <c>NpgsqlDataSource</c>, <c>IDbContextFactory&lt;ObotDb&gt;</c>, <c>IGrainFactory</c>, <see cref="IServerLogs"/> and
    /// <see cref="Abstractions.Identity.IAssertionIssuer"/>, and the schema in place before hosted services start.
    /// </summary>
    public static IServiceCollection AddManagementPorts(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);

        services.AddSingleton<SecurityFeed>();
        services.AddSingleton<ISecurityFeed>(provider => provider.GetRequiredService<SecurityFeed>());
        services.AddHostedService(provider => provider.GetRequiredService<SecurityFeed>());

        services.AddSingleton<IUserDirectory, UserDirectory>().AddSingleton<IPartTickets, PartTickets>();
        services.AddSingleton<IConnectedApplications, ConnectedApplications>();
        services.AddSingleton<UserEmails>().AddSingleton<PreassignedRoles>();
        services.AddSingleton<UserViews>().AddSingleton<UserRules>().AddSingleton<UserRemoval>();
        services.AddSingleton<IUsers, StoredUsers>();
        services.AddSingleton<IGroups, StoredGroups>();
        services.AddSingleton<IAuthSettings, StoredAuthSettings>();

        services.AddSingleton<ApiKeyUsage>();
        services.AddSingleton<IApiKeyUsage>(provider => provider.GetRequiredService<ApiKeyUsage>());
        services.AddHostedService(provider => provider.GetRequiredService<ApiKeyUsage>());
        services.AddSingleton<IApiKeys, StoredApiKeys>();

        services.AddSingleton<IAccessRules, StoredAccessRules>();
        services.AddSingleton<IServerAccess, ServerAccess>();

        services.AddSingleton<ServerFilters>().AddSingleton<IServerFilters>(provider => provider.GetRequiredService<ServerFilters>());
        services.AddSingleton<FilterServers>().AddSingleton<IFilterServers>(provider => provider.GetRequiredService<FilterServers>());
        services.AddSingleton<FilterTrials>().AddSingleton<IFilters, StoredFilters>();

        services.AddSingleton<IServerDirectory, ServerDirectory>();
        services.AddSingleton<IServerInstances, ServerInstances>();
        services.AddSingleton<IComposites, Composites>();
        services.AddSingleton<InstanceLauncher>();
        services.AddSingleton<ServerLife>();
        services.AddSingleton<ServerTools>();
        services.AddSingleton<ServerViews>();
        services.AddSingleton<IMcpServers, McpServers>();
        services.AddSingleton<ConnectionEnds>();
        return services;
    }
}
