using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Hosting.Process;

namespace Obot.Grains.Hosting.Docker;

/// <summary>The control listeners of all gateway silos as containers reach them: a guard outlives the silo that started it and dials another.</summary>
internal sealed partial class ControlAddresses(SiloHosts silos, IGrainFactory grains, IOptions<GuardOptions> options, ILogger<ControlAddresses> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Of this silo; empty without role gateway and without configuration.</summary>
    public IReadOnlyList<string> Own => options.Value.ContainerControlUrls;

    /// <exception cref="ServerStartException">No silo offers one.</exception>
    public async Task<IReadOnlyList<string>> ForContainersAsync(CancellationToken cancellationToken)
    {
        var others = await Task.WhenAll(silos.Active.Where(host => !silos.IsOwn(host)).Select(host => AskAsync(host, cancellationToken)));
        List<string> all = [.. Own.Concat(others.SelectMany(urls => urls)).Distinct(StringComparer.Ordinal)];
        return all.Count > 0
            ? all
            : throw new ServerStartException("no silo offers a control listener that a container can reach: set Obot:Guard:ContainerControlUrl (docs/hosting.md)");
    }

    private async Task<IReadOnlyList<string>> AskAsync(string host, CancellationToken cancellationToken)
    {
        try
        {
            return await grains.GetGrain<IDockerHostGrain>(host).ControlUrls().WaitAsync(Patience, cancellationToken);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException)
        {
            LogSilent(host, e.Message);
            return [];
        }
    }

    [LoggerMessage(LogLevel.Information, "Silo {Host} did not say where guards reach it: {Reason}")]
    private partial void LogSilent(string host, string reason);
}

/// <summary>What one silo knows for the others. Key: the silo's address.</summary>
internal interface IDockerHostGrain : IGrainWithStringKey
{
    /// <summary>Its control listener as containers reach it.</summary>
    [Alias("ControlUrls")]
    Task<IReadOnlyList<string>> ControlUrls();
}

[GrainType("docker-host"), PlaceOnSiloOfKey]
internal sealed class DockerHostGrain(ControlAddresses addresses) : Grain, IDockerHostGrain
{
    public Task<IReadOnlyList<string>> ControlUrls() => Task.FromResult(addresses.Own);
}
