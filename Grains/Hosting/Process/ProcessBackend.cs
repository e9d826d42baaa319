using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Process;

/// <summary>Local processes: a new generation runs beside the grain, on its silo; an older one may live on any silo of the cluster.</summary>
internal sealed class ProcessBackend(ProcessHost local, ILocalSiloDetails silo, IGrainFactory grains, IClusterMembershipService membership) : IServerBackend
{
    public Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken) => local.StartAsync(start, cancellationToken);

    public Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken) =>
        IsLocal(host) ? local.StopAsync(instance, generation) : HostOf(host).Stop(instance.ToString(), generation);

    public Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken) =>
        IsLocal(deployment.Host)
            ? local.ProbeAsync(instance, deployment.GuardUrl, cancellationToken)
            : HostOf(deployment.Host).Probe(instance.ToString(), deployment.GuardUrl);

    /// <summary>A silo that the cluster declared dead never comes back under the same address: a new start has a new epoch.</summary>
    public bool MayLive(string host) =>
        IsLocal(host)
        || membership.CurrentSnapshot.GetSiloStatus(SiloAddress.FromParsableString(host)) is not (SiloStatus.Dead or SiloStatus.None);

    private bool IsLocal(string host) => host == silo.SiloAddress.ToParsableString();

    private IProcessHostGrain HostOf(string host) => grains.GetGrain<IProcessHostGrain>(host);
}
