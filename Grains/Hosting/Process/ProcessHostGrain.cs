using Obot.Grains.Abstractions.Hosting;
using Orleans.Concurrency;
using Orleans.Placement;
using Orleans.Runtime.Placement;

namespace Obot.Grains.Hosting.Process;

/// <summary>The host service of one silo, for grains that live on another. Key: the silo's address.</summary>
internal interface IProcessHostGrain : IGrainWithStringKey
{
    [Alias("Stop")]
    Task Stop(string instance, long generation);

    [Alias("Probe")]
    Task<string?> Probe(string instance, string guardUrl);

    [Alias("Logs")]
    IAsyncEnumerable<ServerLogLine> Logs(string instance, bool follow, CancellationToken cancellationToken);
}

[GrainType("process-host"), PlaceOnSiloOfKey, Reentrant]
internal sealed class ProcessHostGrain(ProcessHost host, RecentLogs logs) : Grain, IProcessHostGrain
{
    public Task Stop(string instance, long generation) => host.StopAsync(McpInstanceId.Parse(instance), generation);

    public Task<string?> Probe(string instance, string guardUrl) => host.ProbeAsync(McpInstanceId.Parse(instance), guardUrl, CancellationToken.None);

    public IAsyncEnumerable<ServerLogLine> Logs(string instance, bool follow, CancellationToken cancellationToken) =>
        logs.Read(McpInstanceId.Parse(instance), follow, cancellationToken);
}

/// <summary>The grain's key is the address of the silo that it has to be on.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class PlaceOnSiloOfKeyAttribute() : PlacementAttribute(new SiloOfKeyPlacement());

[GenerateSerializer, Immutable, Alias("Obot.SiloOfKeyPlacement")]
internal sealed class SiloOfKeyPlacement : PlacementStrategy;

internal sealed class SiloOfKeyDirector : IPlacementDirector
{
    /// <exception cref="SiloUnavailableException">The silo is not part of the cluster any more.</exception>
    public Task<SiloAddress> OnAddActivation(PlacementStrategy strategy, PlacementTarget target, IPlacementContext context)
    {
        var wanted = SiloAddress.FromParsableString(target.GrainIdentity.Key.ToString()!);
        return context.GetCompatibleSilos(target).Contains(wanted)
            ? Task.FromResult(wanted)
            : throw new SiloUnavailableException($"Silo {wanted} has left the cluster.");
    }
}
