using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>Registers the Kubernetes backend. Nothing of it does anything where it is not configured.</summary>
internal static class KubernetesSetup
{
    public static IServiceCollection AddKubernetesBackend(this IServiceCollection services)
    {
        services.AddHttpClient(KubernetesBackend.HttpClientName, client => client.Timeout = TimeSpan.FromSeconds(5))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(2), PooledConnectionLifetime = TimeSpan.FromMinutes(1) });
        services.AddSingleton<KubernetesConnection>().AddSingleton<KubernetesNames>().AddSingleton<KubernetesObjects>().AddSingleton<EnforcementProbe>();
        services.AddSingleton<PodCache>().AddSingleton<PodOutput>().AddSingleton<PodReasons>().AddSingleton<PodReady>().AddSingleton<PodEnding>();
        services.AddSingleton<KubernetesLogs>().AddSingleton<KubernetesStart>();
        services.AddSingleton<KubernetesBackend>().AddSingleton<IServerBackend>(provider => provider.GetRequiredService<KubernetesBackend>());
        services.AddSingleton<IHostedService, KubernetesWatch>().AddSingleton<IHostedService, KubernetesSweep>();
        return services;
    }
}
