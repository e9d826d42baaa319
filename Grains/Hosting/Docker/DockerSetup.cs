using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Registers the Docker backend. Nothing of it does anything where no Engine is.</summary>
internal static class DockerSetup
{
    public static IServiceCollection AddDockerBackend(this IServiceCollection services)
    {
        services.AddHttpClient(DockerBackend.HttpClientName, client => client.Timeout = TimeSpan.FromSeconds(5))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2), PooledConnectionLifetime = TimeSpan.FromMinutes(1) });
        services.AddSingleton<DockerDaemon>().AddSingleton<DockerNames>().AddSingleton<RegistryCredentials>().AddSingleton<DockerImages>().AddSingleton<ShimImages>();
        services.AddSingleton<DockerNetworks>().AddSingleton<DockerVolumes>().AddSingleton<DockerContainers>().AddSingleton<JournalRescue>().AddSingleton<PackageInstalls>();
        services.AddSingleton<DockerLogs>().AddSingleton<DockerStart>();
        services.AddSingleton<DockerBackend>().AddSingleton<IServerBackend>(provider => provider.GetRequiredService<DockerBackend>());
        services.AddSingleton<IHostedService, DockerWatch>().AddSingleton<IHostedService, DockerSweep>();
        return services;
    }
}
