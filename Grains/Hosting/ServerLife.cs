using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Starts, stops and removes instances for those who manage servers.</summary>
internal sealed partial class ServerLife(IGrainFactory grains, IServerInstances instances, InstanceLauncher launcher, ILogger<ServerLife> logger)
{
    /// <summary>What a start may take beyond its own time-out: a stop before it, and the way.</summary>
    private static readonly TimeSpan Beyond = TimeSpan.FromSeconds(30);

    /// <exception cref="InvalidInputException">A required value is missing.</exception>
    public static void CheckConfigured(McpServerView view)
    {
        if (!view.Configured)
        {
            throw new InvalidInputException(
                view.MissingRequiredEnvVars[0],
                $"The server needs a value for {string.Join(", ", view.MissingRequiredEnvVars)} before it can start. Send it with POST /api/mcp-servers/{view.Id}/configure.");
        }
    }

    /// <param name="view">Server and instance.</param>
    /// <param name="reset">Forget earlier failures, because a person asked for the start.</param>
    public async Task<ServerRoute> LaunchAsync(McpServerView view, bool reset, CancellationToken cancellationToken)
    {
        CheckConfigured(view);
        var instance = McpInstanceId.Parse(view.Instance);
        await instances.Record(instance, cancellationToken);
        if (reset)
        {
            await Grain(instance).Reset();
        }

        return await launcher.StartAsync(instance, TimeSpan.FromSeconds(view.Manifest.StartupTimeoutSeconds) + Beyond, cancellationToken);
    }

    public Task StopOneAsync(McpServerView view, string reason) => Grain(McpInstanceId.Parse(view.Instance)).Stop(reason);

    /// <summary>The change is committed already: one instance that cannot be told does not keep the others from it.</summary>
    public Task StopAsync(IReadOnlyCollection<McpInstanceId> all, string reason) => EachAsync(all, grain => grain.Stop(reason));

    /// <summary>What runs goes over to the declaration as it is now; what sleeps finds it when it wakes.</summary>
    public Task ReplaceAsync(IReadOnlyCollection<McpInstanceId> all, string reason) => EachAsync(all, grain => grain.Replace(reason));

    public Task RemoveAsync(IReadOnlyCollection<McpInstanceId> all) => EachAsync(all, grain => grain.Remove());

    public IAsyncEnumerable<ServerEvent> ObserveAsync(McpInstanceId instance, CancellationToken cancellationToken) => launcher.ObserveAsync(instance, cancellationToken);

    private Task EachAsync(IReadOnlyCollection<McpInstanceId> all, Func<IMcpServerGrain, Task> act) => Task.WhenAll(all.Select(async instance =>
    {
        try
        {
            await act(Grain(instance));
        }
        catch (Exception e)
        {
            NotTold(e, instance);
        }
    }));

    private IMcpServerGrain Grain(McpInstanceId instance) => grains.GetGrain<IMcpServerGrain>(instance.ToString());

    [LoggerMessage(Level = LogLevel.Error, Message = "Instance {Instance} could not be told that its server changed; stop it by hand (POST /api/mcp-servers/…/stop) if it goes on with the old configuration")]
    private partial void NotTold(Exception exception, McpInstanceId instance);
}
