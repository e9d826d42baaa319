using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>
/// Removes what no grain owns: left by silos that died half-way, or by removals that the API server missed. Everything of a generation belongs to its
/// Deployment and goes with it. Asks the grain after it has listed, never before.
/// </summary>
internal sealed partial class KubernetesSweep(
    KubernetesConnection connection,
    KubernetesNames names,
    KubernetesObjects objects,
    PodEnding ending,
    IGrainFactory grains,
    IOptions<HostingOptions> options,
    TimeProvider time,
    ILogger<KubernetesSweep> logger) : BackgroundService
{
    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(10);

    /// <summary>A probe takes no longer than that.</summary>
    private static readonly TimeSpan ProbeLife = TimeSpan.FromMinutes(5);

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var found = await objects.DeploymentsAsync(names.Ours(), cancellationToken);
        foreach (var probe in found.Where(one => one.Metadata.Labels.TryGetValue(KubernetesNames.RoleLabel, out var role) && role == KubernetesNames.ProbeRole && time.GetUtcNow() - one.Metadata.CreationTimestamp > ProbeLife))
        {
            await objects.DeleteAsync(probe, cancellationToken);
        }

        foreach (var instance in found.Select(one => (Deployment: one, Ours: names.Read(one.Metadata))).Where(one => one.Ours is not null).GroupBy(one => one.Ours!.Value.Instance))
        {
            var owned = await grains.OwnedFromAsync(instance.Key);
            foreach (var (deployment, _) in instance.Where(one => one.Ours!.Value.Generation < owned))
            {
                LogLeftOver(deployment.Metadata.Name);
                await ending.EndAsync(deployment, cancellationToken);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!connection.IsConfigured)
        {
            return;
        }

        await Task.Delay(FirstAfter, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SweepAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotSwept(e.Message);
            }

            await Task.Delay(options.Value.Kubernetes.SweepInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Information, "Deployment {Name} belongs to no running server and is removed")]
    private partial void LogLeftOver(string name);

    [LoggerMessage(LogLevel.Warning, "Kubernetes could not be searched for leftovers: {Reason}")]
    private partial void LogNotSwept(string reason);
}
