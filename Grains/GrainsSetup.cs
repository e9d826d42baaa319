using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Audit;
using Obot.Grains.Credentials;
using Obot.Grains.Encryption;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Files;
using Obot.Grains.Hosting;
using Obot.Grains.Hosting.Docker;
using Obot.Grains.Hosting.Kubernetes;
using Obot.Grains.Hosting.Pool;
using Obot.Grains.Hosting.Process;
using Obot.Grains.Identity;
using Obot.Grains.Outbound;
using Orleans.Runtime.Placement;

namespace Obot.Grains;

/// <summary>Registers the grains' surroundings: the adapters behind the ports of <c>Grains.Abstractions</c>.</summary>
public static class GrainsSetup
{
    public static IServiceCollection AddGrains(this IServiceCollection services, IConfiguration configuration)
    {
        services.AddOptions<HostingOptions>().Bind(configuration.GetSection("Obot:Hosting")).ValidateOnStart();
        services.AddSingleton<IValidateOptions<HostingOptions>, HostingOptionsValidator>();
        services.Configure<GuardOptions>(configuration.GetSection("Obot:Guard"));
        services.AddOptions<SecurityOptions>().Bind(configuration.GetSection("Obot:Security")).Validate(
            options => options.GuardCredentialLifetime >= TimeSpan.FromSeconds(90) && options.GuardCredentialLifetime <= TimeSpan.FromDays(7),
            "Obot:Security:GuardCredentialLifetime must be 90 seconds … 7 days.").ValidateOnStart();
        services.Configure<LimitOptions>(configuration.GetSection("Obot:Limits"));
        services.Configure<AuthOptions>(configuration.GetSection("Obot:Auth"));

        services.AddEncryption(configuration);
        services.AddSingleton<ClusterKeys>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<ClusterKeys>());
        services.AddSingleton<OAuthKeys>().AddSingleton<IOAuthKeys>(provider => provider.GetRequiredService<OAuthKeys>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<OAuthKeys>());
        services.AddSingleton<IAssertionIssuer, AssertionIssuer>();
        services.AddSingleton<IControlCertificate, ControlCertificate>();
        services.AddSignInPorts(configuration);
        services.AddLlmPorts(configuration);

        services.Configure<OutboundOptions>(configuration.GetSection("Obot:Outbound"));
        services.AddSingleton<OutboundClient>().AddSingleton<IOutboundDocuments, OutboundDocuments>();

        services.AddCredentials(configuration);

        services.AddHttpClient(ProcessHost.HttpClientName, client => client.Timeout = TimeSpan.FromSeconds(5));
        services.AddSingleton<ServerAccounts>().AddSingleton<BootDocuments>().AddSingleton<ServerPlans>().AddSingleton<RecentLogs>();
        services.AddSingleton<ProcessHost>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<ProcessHost>());
        services.AddSingleton<SiloHosts>().AddSingleton<ServerBackends>().AddSingleton<OutsideNames>().AddSingleton<RememberedLogs>().AddSingleton<ControlAddresses>();
        services.AddSingleton<IServerBackend, ProcessBackend>().AddSingleton<IServerBackend, PooledBackend>();
        services.AddSingleton<GuardPool>().AddSingleton<IHostedService>(provider => provider.GetRequiredService<GuardPool>());
        services.AddDockerBackend().AddKubernetesBackend();
        services.AddSingleton<IServerLogs, ServerLogs>();
        services.AddCatalog(configuration).AddExports(configuration).AddFiles(configuration).AddConversations(configuration);
        services.AddPlacementDirector<SiloOfKeyPlacement, SiloOfKeyDirector>();
        services.AddAudit(configuration);
        return services.AddManagementPorts();
    }
}
