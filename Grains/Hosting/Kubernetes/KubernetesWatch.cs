using k8s;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>
/// One list and watch of the pods of ours, a silo: keeps <see cref="PodCache"/> and tells grains when a pod of theirs is over. Lists anew after
/// every break and every <see cref="KubernetesOptions.ResyncInterval"/>; a grain that knows already ignores the second word.
/// </summary>
internal sealed partial class KubernetesWatch(
    KubernetesConnection connection,
    KubernetesNames names,
    PodCache pods,
    PodReasons reasons,
    KubernetesBackend backend,
    IGrainFactory grains,
    IOptions<HostingOptions> options,
    TimeProvider time,
    ILogger<KubernetesWatch> logger) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>A watch that is not allowed says so before that; one that nothing happens in says nothing.</summary>
    private static readonly TimeSpan Refused = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(30);

    /// <summary>Pods whose end was told.</summary>
    private readonly HashSet<string> told = new(StringComparer.Ordinal);
    private bool connected;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!connection.IsConfigured)
        {
            return;
        }

        var failures = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(() => failures = 0, stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                failures++;
                pods.Fault = e is HttpOperationException http ? KubernetesRefusal.Reason(http, connected ? "watch" : "list", "pods", connection.Namespace) : e.Message;
                if (connected || failures == 1)
                {
                    LogLost(pods.Fault);
                }

                connected = false;
            }

            await Task.Delay(Pause(failures), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Doubles, and is never the same for two silos.</summary>
    private static TimeSpan Pause(int failures) =>
        failures == 0 ? TimeSpan.Zero : TimeSpan.FromTicks((long)(Math.Min(FirstPause.Ticks * Math.Pow(2, Math.Min(failures - 1, 10)), LongestPause.Ticks) * (0.5 + (Random.Shared.NextDouble() / 2))));

    private async Task ListenAsync(Action succeeded, CancellationToken stoppingToken)
    {
        var (client, scope, resync) = (connection.Client, connection.Namespace, options.Value.Kubernetes.ResyncInterval);
        var list = await client.CoreV1.ListNamespacedPodAsync(scope, labelSelector: names.Ours(), cancellationToken: stoppingToken);
        foreach (var gone in pods.Replace(list.Items))
        {
            Tell(gone, new PodFault("its pod was removed"), stoppingToken);
        }

        foreach (var pod in list.Items)
        {
            Look(pod, stoppingToken);
        }

        told.IntersectWith(list.Items.Select(pod => pod.Metadata.Uid));
        if (!connected)
        {
            LogConnected(connection.Host);
        }

        connected = true;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(resync + Late);
        var changes = client.CoreV1.WatchListNamespacedPodAsync(
            scope, labelSelector: names.Ours(), resourceVersion: list.Metadata.ResourceVersion, timeoutSeconds: (int)Math.Max(1, resync.TotalSeconds), cancellationToken: limit.Token);
        await using var next = changes.GetAsyncEnumerator(limit.Token);
        var first = next.MoveNextAsync().AsTask();
        if (await Task.WhenAny(first, Task.Delay(Refused, time, limit.Token)) == first)
        {
            await first;
        }

        // it was not refused: from here on nothing is missed
        pods.Fault = null;
        succeeded();
        for (var more = await first; more; more = await next.MoveNextAsync())
        {
            Hear(next.Current.Item1, next.Current.Item2, stoppingToken);
        }
    }

    private void Hear(WatchEventType change, V1Pod pod, CancellationToken stoppingToken)
    {
        if (change is not (WatchEventType.Added or WatchEventType.Modified or WatchEventType.Deleted))
        {
            return;
        }

        pods.Apply(change, pod);
        if (change is WatchEventType.Deleted)
        {
            Tell(pod, new PodFault("its pod was removed"), stoppingToken);
            told.Remove(pod.Metadata.Uid);
        }
        else
        {
            Look(pod, stoppingToken);
        }
    }

    private void Look(V1Pod pod, CancellationToken stoppingToken)
    {
        if (PodFault.Of(pod) is { } fault)
        {
            Tell(pod, fault, stoppingToken);
        }
    }

    private void Tell(V1Pod pod, PodFault fault, CancellationToken stoppingToken)
    {
        if (names.Read(pod.Metadata) is { } ours && told.Add(pod.Metadata.Uid))
        {
            TellAsync(pod, fault, ours.Instance, ours.Generation, stoppingToken).Ignore();
        }
    }

    private async Task TellAsync(V1Pod pod, PodFault fault, McpInstanceId instance, long generation, CancellationToken stoppingToken)
    {
        try
        {
            var grain = grains.GetGrain<IMcpServerGrain>(instance.ToString());
            if (await grain.GetDeployment() is { Status: DeploymentStatus.Starting } starting && starting.Generation == generation)
            {
                // whoever starts it reads the reason himself
                return;
            }

            await grain.DeploymentEnded(generation, await reasons.OfAsync(pod, fault, stoppingToken));
            // server and guard die together: a generation with one of them is none
            await backend.StopAsync(instance, generation, connection.Host, stoppingToken);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogNotTold(instance, generation, e);
        }
    }

    [LoggerMessage(LogLevel.Information, "Watching the pods of {Host}")]
    private partial void LogConnected(string host);

    [LoggerMessage(LogLevel.Warning, "The pods cannot be watched: {Reason}")]
    private partial void LogLost(string reason);

    [LoggerMessage(LogLevel.Warning, "The end of a pod of {Instance} generation {Generation} could not be told")]
    private partial void LogNotTold(McpInstanceId instance, long generation, Exception exception);
}
