using Docker.DotNet;
using Docker.DotNet.Models;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>
/// Tells grains when a container of theirs ended. Lists first and listens then, again after every break, so that nothing is missed; every
/// silo does, and a grain that knows already ignores the second word.
/// </summary>
internal sealed partial class DockerWatch(
    DockerDaemon daemon,
    DockerNames names,
    DockerContainers containers,
    DockerBackend backend,
    RecentLogs logs,
    IGrainFactory grains,
    TimeProvider time,
    ILogger<DockerWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private bool connected;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (daemon.MayExist && await daemon.FaultAsync(stoppingToken) is null)
                {
                    await ListenAsync(stoppingToken);
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                if (connected)
                {
                    LogLost(daemon.Host, e.Message);
                }

                connected = false;
            }

            await Task.Delay(Pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ListenAsync(CancellationToken stoppingToken)
    {
        var filters = names.Ours();
        filters["type"] = new Dictionary<string, bool>(StringComparer.Ordinal) { ["container"] = true };
        filters["event"] = new Dictionary<string, bool>(StringComparer.Ordinal) { ["die"] = true, ["oom"] = true };

        // from before the listing: what ends while it is made is heard
        var since = time.GetUtcNow().ToUnixTimeSeconds().ToString(System.Globalization.CultureInfo.InvariantCulture);
        var listening = daemon.Client.System.MonitorEventsAsync(new ContainerEventsParameters { Since = since, Filters = filters }, new Heard(message => HeardAsync(message, stoppingToken).Ignore()), stoppingToken);
        foreach (var container in (await containers.ListAsync(null, stoppingToken)).Where(container => !container.Running))
        {
            await TellAsync(container.Id, container.Instance, container.Generation, container.Role, stoppingToken);
        }

        if (!connected)
        {
            connected = true;
            LogConnected(daemon.Host);
        }

        await listening;
        connected = false;
    }

    private async Task HeardAsync(Message message, CancellationToken stoppingToken)
    {
        if (message.Actor?.ID is not { } id || names.Read(message.Actor.Attributes) is not { } ours)
        {
            return;
        }

        try
        {
            if (message.Action == "oom")
            {
                containers.RanOutOfMemory(id);
                var found = await containers.InspectAsync(id, stoppingToken);
                logs.Write(ours.Instance, ours.Generation, ContainerEnd.OutOfMemory(ours.Role, found?.HostConfig?.Memory ?? 0));
                return;
            }

            await TellAsync(id, ours.Instance, ours.Generation, ours.Role, stoppingToken);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogNotTold(ours.Instance, ours.Generation, e);
        }
    }

    private async Task TellAsync(string id, McpInstanceId instance, long generation, string role, CancellationToken stoppingToken)
    {
        if (role is not (DockerNames.Server or DockerNames.Guard))
        {
            return;
        }

        if (await containers.FaultAsync(id, role, stoppingToken) is not { } reason)
        {
            return;
        }

        var grain = grains.GetGrain<IMcpServerGrain>(instance.ToString());
        await grain.DeploymentEnded(generation, reason);
        if (await grain.GetDeployment() is { Status: DeploymentStatus.Starting } starting && starting.Generation == generation)
        {
            // whoever starts it reads the reason himself
            return;
        }

        // server and guard die together: a generation with one of them is none
        await backend.StopAsync(instance, generation, daemon.Host, stoppingToken);
    }

    [LoggerMessage(LogLevel.Information, "Watching the containers of {Host}")]
    private partial void LogConnected(string host);

    [LoggerMessage(LogLevel.Warning, "Docker at {Host} stopped answering: {Reason}")]
    private partial void LogLost(string host, string reason);

    [LoggerMessage(LogLevel.Warning, "The end of a container of {Instance} generation {Generation} could not be told")]
    private partial void LogNotTold(McpInstanceId instance, long generation, Exception exception);

    private sealed class Heard(Action<Message> tell) : IProgress<Message>
    {
        public void Report(Message value) => tell(value);
    }
}
