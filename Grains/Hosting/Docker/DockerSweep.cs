using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Removes what no grain owns: left by silos that died half-way, or by removals that the Engine missed. Asks the grain after it has listed, never before.</summary>
internal sealed partial class DockerSweep(
    DockerDaemon daemon,
    DockerNames names,
    DockerContainers containers,
    DockerNetworks networks,
    DockerVolumes volumes,
    SiloHosts silos,
    IServerInstances instances,
    IGrainFactory grains,
    IOptions<HostingOptions> options,
    TimeProvider time,
    ILogger<DockerSweep> logger) : BackgroundService
{
    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(8);

    /// <summary>With <see cref="DockerOptions.EndWithSilo"/>: what this silo started, and what dead ones did, ends in order.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (!options.Value.Docker.EndWithSilo || !daemon.MayExist)
        {
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(EndWithin);
        try
        {
            var ours = (await containers.ListAsync(null, limit.Token)).Where(container => silos.IsOwn(container.Silo) || !silos.MayLive(container.Silo)).Select(container => container.Instance).Distinct();
            await Task.WhenAll(ours.Select(instance => grains.GetGrain<IMcpServerGrain>(instance.ToString()).Stop("its silo stopped"))).WaitAsync(limit.Token);
        }
        catch (Exception e)
        {
            LogNotEnded(e);
        }
    }

    /// <summary>One round, in the order in which things hold each other.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        var found = await containers.ListAsync(null, cancellationToken);
        var nets = (await daemon.Client.Networks.ListNetworksAsync(new() { Filters = names.Ours() }, cancellationToken))
            .Select(network => (network.ID, Ours: names.Read(network.Labels))).Where(network => network.Ours is not null).ToList();
        var files = await volumes.ListAsync(null, cancellationToken);
        var owned = new Dictionary<McpInstanceId, long>();
        foreach (var instance in found.Select(container => container.Instance).Concat(nets.Select(network => network.Ours!.Value.Instance)).Concat(files.Select(volume => volume.Instance)).Distinct())
        {
            owned[instance] = await grains.OwnedFromAsync(instance);
        }

        foreach (var container in found.Where(container => container.Generation < owned[container.Instance]))
        {
            LogLeftOver(container.Name);
            await containers.EndAsync(container, cancellationToken);
        }

        foreach (var network in nets.Where(network => network.Ours!.Value.Generation < owned[network.Ours.Value.Instance]))
        {
            await networks.RemoveAsync(network.ID, cancellationToken);
        }

        foreach (var volume in files)
        {
            var goes = volume.Role == DockerNames.Files ? volume.Generation < owned[volume.Instance] : !await ExistsAsync(volume.Instance, cancellationToken);
            if (goes)
            {
                await volumes.RemoveAsync(volume.Name, cancellationToken);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Delay(FirstAfter, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (daemon.MayExist && await daemon.FaultAsync(stoppingToken) is null)
                {
                    await SweepAsync(stoppingToken);
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotSwept(e);
            }

            await Task.Delay(options.Value.Docker.SweepInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> ExistsAsync(McpInstanceId instance, CancellationToken cancellationToken) => (await instances.Of(instance.ServerId, cancellationToken)).Contains(instance);

    [LoggerMessage(LogLevel.Information, "Container {Name} belongs to no running server and is removed")]
    private partial void LogLeftOver(string name);

    [LoggerMessage(LogLevel.Warning, "Docker could not be searched for leftovers")]
    private partial void LogNotSwept(Exception exception);

    [LoggerMessage(LogLevel.Warning, "Not every container was ended with this silo; the next one ends or adopts them")]
    private partial void LogNotEnded(Exception exception);
}
