using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Process;

/// <summary>Local processes: a new generation runs beside the grain, on its silo; an older one may live on any silo of the cluster.</summary>
internal sealed class ProcessBackend(ProcessHost local, RecentLogs logs, SiloHosts silos, IGrainFactory grains) : IServerBackend
{
    public string Name => BackendNames.Process;

    public bool RunsTwo => true;

    public Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken) => local.StartAsync(start, cancellationToken);

    public Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken) =>
        silos.IsOwn(host) ? local.StopAsync(instance, generation) : HostOf(host).Stop(instance.ToString(), generation);

    /// <summary>The working folder stays: it holds what the server itself keeps.</summary>
    public Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken) =>
        silos.IsOwn(deployment.Host)
            ? local.ProbeAsync(instance, deployment.GuardUrl, cancellationToken)
            : HostOf(deployment.Host).Probe(instance.ToString(), deployment.GuardUrl);

    public bool MayLive(string host) => silos.MayLive(host);

    public async IAsyncEnumerable<ServerLogLine> ReadLogs(McpInstanceId instance, string? host, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (host is null || !silos.MayLive(host))
        {
            yield break;
        }

        var lines = silos.IsOwn(host) ? logs.Read(instance, follow, cancellationToken) : HostOf(host).Logs(instance.ToString(), follow, cancellationToken);
        await foreach (var line in lines.WithCancellation(cancellationToken))
        {
            yield return line;
        }
    }

    private IProcessHostGrain HostOf(string host) => grains.GetGrain<IProcessHostGrain>(host);
}
