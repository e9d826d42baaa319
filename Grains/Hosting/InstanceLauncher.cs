using System.Threading.Channels;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Asks for an instance and waits for the outcome: pushed by the grain, asked for again every second in case the push was lost.</summary>
internal sealed class InstanceLauncher(IGrainFactory grains, TimeProvider time)
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan ObserveAgain = TimeSpan.FromSeconds(20);

    /// <summary>Returns when the instance is Running, Failed or Stopped by someone else, or when <paramref name="limit"/> is over.</summary>
    public async Task<ServerRoute> StartAsync(McpInstanceId instance, TimeSpan limit, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IMcpServerGrain>(instance.ToString());

        // Orleans holds observers weakly: 'pushed' lives as long as this method
        var pushed = new RouteObserver();
        var reference = grains.CreateObjectReference<IRouteObserver>(pushed);
        var begun = time.GetTimestamp();
        try
        {
            var route = await grain.EnsureRunning(0, reference, cancellationToken);
            while (route.Status is DeploymentStatus.Starting or DeploymentStatus.Unhealthy && time.GetElapsedTime(begun) < limit)
            {
                route = await pushed.NextAsync(AskAgain, time, cancellationToken) ?? await grain.Observe(reference);
            }

            return route;
        }
        finally
        {
            // a grain that cannot be told drops observers that do not answer
            await grain.Unobserve(reference).WaitAsync(AskAgain, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            grains.DeleteObjectReference<IRouteObserver>(reference);
            GC.KeepAlive(pushed);
        }
    }

    /// <summary>The state as it is, and every change of it. Never wakes the instance.</summary>
    public async IAsyncEnumerable<ServerEvent> ObserveAsync(McpInstanceId instance, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IMcpServerGrain>(instance.ToString());
        var pushed = new RouteObserver();
        var reference = grains.CreateObjectReference<IRouteObserver>(pushed);
        try
        {
            ServerRoute? last = null;
            while (true)
            {
                // now and then it is asked again: it may have moved to another silo and know nothing of us
                var route = last is null ? await grain.Observe(reference) : await pushed.NextAsync(ObserveAgain, time, cancellationToken) ?? await grain.Observe(reference);
                if (route != last)
                {
                    last = route;
                    yield return new(time.GetUtcNow(), route.Generation, route.Status, route.Reason, route.RetryAt);
                }
            }
        }
        finally
        {
            await grain.Unobserve(reference).WaitAsync(AskAgain, time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            grains.DeleteObjectReference<IRouteObserver>(reference);
            GC.KeepAlive(pushed);
        }
    }

    private sealed class RouteObserver : IRouteObserver
    {
        private readonly Channel<ServerRoute> _routes =
            Channel.CreateBounded<ServerRoute>(new BoundedChannelOptions(8) { FullMode = BoundedChannelFullMode.DropOldest });

        public Task RouteChanged(ServerRoute route)
        {
            _routes.Writer.TryWrite(route);
            return Task.CompletedTask;
        }

        public async Task<ServerRoute?> NextAsync(TimeSpan patience, TimeProvider time, CancellationToken cancellationToken)
        {
            using var patient = new CancellationTokenSource(patience, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(patient.Token, cancellationToken);
            try
            {
                return await _routes.Reader.ReadAsync(both.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                return null;
            }
        }
    }
}
