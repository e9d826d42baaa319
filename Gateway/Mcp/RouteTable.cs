using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Mcp;

/// <summary>
/// Where every instance is, in this silo's memory. A warm request reads it and nothing else; a miss or a dead target asks the grain
/// once for all callers, and the outcome of a start is pushed.
/// </summary>
internal sealed partial class RouteTable(IGrainFactory grains, IOptions<GatewayOptions> options, TimeProvider time, ILogger<RouteTable> logger) : IRouteObserver
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AskAgainAfterFault = TimeSpan.FromMilliseconds(200);

    private readonly ConcurrentDictionary<McpInstanceId, Entry> entries = new();
    private IRouteObserver? self;

    /// <summary>The route if it is known to run, without asking anybody.</summary>
    public ServerRoute? Find(McpInstanceId instance) =>
        entries.TryGetValue(instance, out var entry) && entry.Route is { Status: DeploymentStatus.Running } route ? route : null;

    /// <summary>Makes sure that the instance runs and returns its route, or the one that says why it does not.</summary>
    /// <param name="failedGeneration">A generation that did not answer; 0 when there was none.</param>
    /// <exception cref="TimeoutException">It was not up within <see cref="GatewayOptions.StartTimeout"/>.</exception>
    public Task<ServerRoute> EnsureAsync(McpInstanceId instance, long failedGeneration, CancellationToken cancellationToken)
    {
        var entry = entries.GetOrAdd(instance, static _ => new());
        Task<ServerRoute> pending;
        lock (entry)
        {
            if (entry.Route is { Status: DeploymentStatus.Running } route && route.Generation > failedGeneration)
            {
                return Task.FromResult(route);
            }

            if (entry.Pending is not { IsCompleted: false })
            {
                entry.Pending = WakeAsync(instance, entry, failedGeneration);
            }

            pending = entry.Pending;
        }

        return pending.WaitAsync(cancellationToken);
    }

    /// <summary>The route as the grain has it now: whoever knew an old one learns of a newer generation. Null when it cannot be asked just now.</summary>
    public async Task<ServerRoute?> AskAgainAsync(McpInstanceId instance, CancellationToken cancellationToken)
    {
        var entry = entries.GetOrAdd(instance, static _ => new());
        Task<ServerRoute> pending;
        lock (entry)
        {
            pending = entry.Pending is { IsCompleted: false } under ? under : entry.Pending = AskAsync(instance, entry, 0);
        }

        try
        {
            return await pending.WaitAsync(AskPatience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Completes at the next push for this instance, or after <paramref name="atMost"/>. Never wakes it.</summary>
    public async Task WaitForChangeAsync(McpInstanceId instance, TimeSpan atMost, CancellationToken cancellationToken)
    {
        var changed = entries.GetOrAdd(instance, static _ => new()).Changed;
        await changed.Task.WaitAsync(atMost, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Asks for the pushes of an instance that may be asleep.</summary>
    public async Task ObserveAsync(McpInstanceId instance)
    {
        var route = await Grain(instance).Observe(Self);
        await RouteChanged(route);
    }

    public Task RouteChanged(ServerRoute route)
    {
        var entry = entries.GetOrAdd(McpInstanceId.Parse(route.Instance), static _ => new());
        entry.Push(route);
        return Task.CompletedTask;
    }

    private IRouteObserver Self => self ??= grains.CreateObjectReference<IRouteObserver>(this);

    private IMcpServerGrain Grain(McpInstanceId instance) => grains.GetGrain<IMcpServerGrain>(instance.ToString());

    private async Task<ServerRoute> WakeAsync(McpInstanceId instance, Entry entry, long failedGeneration)
    {
        var started = time.GetTimestamp();
        ServerRoute? route = null;
        try
        {
            return route = await AskAsync(instance, entry, failedGeneration);
        }
        finally
        {
            GatewayInstruments.Woke(time.GetElapsedTime(started), route);
        }
    }

    private async Task<ServerRoute> AskAsync(McpInstanceId instance, Entry entry, long failedGeneration)
    {
        await Task.Yield();
        using var limit = new CancellationTokenSource(options.Value.StartTimeout, time);
        while (true)
        {
            var changed = entry.Changed;
            var pause = AskAgain;
            try
            {
                var route = await Grain(instance).EnsureRunning(failedGeneration, Self, limit.Token);
                entry.Push(route, quietly: true);
                if (route.Status is DeploymentStatus.Running || (route.Status is DeploymentStatus.Failed && route.RetryAt > time.GetUtcNow()))
                {
                    return route;
                }
            }
            catch (Exception e) when (e is OrleansException or TimeoutException && !limit.IsCancellationRequested)
            {
                // the grain's silo died: the next question activates it elsewhere
                LogAskAgain(instance, e.Message);
                pause = AskAgainAfterFault;
            }

            await changed.Task.WaitAsync(pause, time, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (entry.Route is { Status: DeploymentStatus.Running or DeploymentStatus.Failed } pushed && changed.Task.IsCompleted)
            {
                return pushed;
            }

            if (limit.IsCancellationRequested)
            {
                throw new TimeoutException($"The server did not start within {options.Value.StartTimeout.TotalSeconds:0} s.");
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "Asking for {Instance} again: {Fault}")]
    private partial void LogAskAgain(McpInstanceId instance, string fault);

    private sealed class Entry
    {
        private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private ServerRoute? route;

        public ServerRoute? Route => Volatile.Read(ref route);

        public TaskCompletionSource Changed => Volatile.Read(ref changed);

        public Task<ServerRoute>? Pending { get; set; }

        /// <summary>Never back to an older generation: pushes may overtake answers.</summary>
        public void Push(ServerRoute next, bool quietly = false)
        {
            lock (this)
            {
                if (route is not null && next.Generation < route.Generation)
                {
                    return;
                }

                route = next;
                if (!quietly)
                {
                    Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
                }
            }
        }
    }
}
