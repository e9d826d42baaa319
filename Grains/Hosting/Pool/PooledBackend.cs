using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Process;
using Orleans.Concurrency;

namespace Obot.Grains.Hosting.Pool;

/// <summary>
/// Servers without a process of their own: a generation is a place in a guard that others share, on the silo of its grain. The next
/// generation takes the place over, so that no call meets none.
/// </summary>
internal sealed class PooledBackend(GuardPool local, RecentLogs logs, SiloHosts silos, ILocalSiloDetails silo, IGrainFactory grains) : IServerBackend
{
    private const string GuardRole = "guard";

    public string Name => BackendNames.Pool;

    public bool RunsTwo => true;

    public async Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken)
    {
        logs.Begin(start.Instance, start.Generation);
        var guard = await local.AttachAsync(start, cancellationToken);
        return new()
        {
            Backend = Name, Host = silo.SiloAddress.ToParsableString(), GuardUrl = guard.Url, Processes = [new(GuardRole, guard.Pid)],
        };
    }

    public Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken) =>
        silos.IsOwn(host) ? local.DetachAsync(instance, generation) : HostOf(host).Detach(instance.ToString(), generation);

    public Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken) =>
        silos.IsOwn(deployment.Host) ? Task.FromResult(local.Fault(instance)) : HostOf(deployment.Host).Fault(instance.ToString());

    public bool MayLive(string host) => silos.MayLive(host);

    public async IAsyncEnumerable<ServerLogLine> ReadLogs(
        McpInstanceId instance, string? host, bool follow, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (host is not null && silos.IsOwn(host))
        {
            await foreach (var line in logs.Read(instance, follow, cancellationToken))
            {
                yield return line;
            }
        }
    }

    private IPoolHostGrain HostOf(string host) => grains.GetGrain<IPoolHostGrain>(host);
}

/// <summary>The pool of one silo, for grains that live on another. Key: the silo's address.</summary>
internal interface IPoolHostGrain : IGrainWithStringKey
{
    [Alias("Detach")]
    Task Detach(string instance, long generation);

    [Alias("Fault")]
    Task<string?> Fault(string instance);
}

[GrainType("pool-host"), PlaceOnSiloOfKey, Reentrant]
internal sealed class PoolHostGrain(GuardPool pool) : Grain, IPoolHostGrain
{
    public Task Detach(string instance, long generation) => pool.DetachAsync(McpInstanceId.Parse(instance), generation);

    public Task<string?> Fault(string instance) => Task.FromResult(pool.Fault(McpInstanceId.Parse(instance)));
}
