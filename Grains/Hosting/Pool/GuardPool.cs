using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Process;

namespace Obot.Grains.Hosting.Pool;

/// <summary>
/// The guards of this silo that serve many instances each: those without a process of their own. An instance keeps its place among them
/// by rendezvous hash, so that a place that breaks down moves nobody else. A guard is started by its first instance.
/// </summary>
internal sealed partial class GuardPool(
    BootDocuments boots, IGrainFactory grains, IOptions<HostingOptions> hosting, IOptions<GuardOptions> options, IHttpClientFactory http, TimeProvider time, ILogger<GuardPool> logger)
    : BackgroundService
{
    private const int ToldAtOnce = 16;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly Place[] places = [.. Enumerable.Range(0, Math.Max(1, options.Value.PoolSize)).Select(index => new Place(index))];

    /// <summary>Returns when the guard serves the generation; an earlier one of the instance takes no new calls from then on.</summary>
    /// <exception cref="ServerStartException">It did not.</exception>
    public async Task<PooledGuard> AttachAsync(ServerStart start, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(StartLimit);
        try
        {
            var guard = await GuardAsync(PlaceOf(start.Instance), limit.Token);
            await guard.AttachAsync(boots.Pooled(start), start.Instance, limit.Token);
            return guard;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerStartException($"its pooled guard did not take it within {StartLimit.TotalSeconds:0} s");
        }
    }

    public async Task DetachAsync(McpInstanceId instance, long generation)
    {
        if (PlaceOf(instance).Guard is { IsAlive: true } guard)
        {
            await guard.DetachAsync(instance, generation);
        }
    }

    /// <summary>Null when a living guard serves the instance; whether that guard answers is found out once for all of them.</summary>
    public string? Fault(McpInstanceId instance) => PlaceOf(instance).Guard switch
    {
        { IsAlive: true } guard when guard.Serves(instance) => null,
        { IsAlive: true } => "its pooled guard does not serve it",
        _ => "its pooled guard is gone",
    };

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(places.Select(place => place.Guard).OfType<PooledGuard>().Select(guard => guard.StopAsync()));
    }

    /// <summary>A guard that hangs serves nobody: it is ended, and its instances go on in the next one.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = new int[places.Length];
        using var timer = new PeriodicTimer(hosting.Value.HealthInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).AsTask().ContinueWith(static tick => tick.IsCompletedSuccessfully && tick.Result, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default))
        {
            foreach (var place in places.Where(place => place.Guard is { IsAlive: true }))
            {
                var guard = place.Guard!;
                failures[place.Index] = await AnswersAsync(guard, stoppingToken) ? 0 : failures[place.Index] + 1;
                if (failures[place.Index] >= hosting.Value.HealthFailures && !stoppingToken.IsCancellationRequested)
                {
                    LogHung(place.Index, guard.Count);
                    failures[place.Index] = 0;
                    guard.Kill();
                }
            }
        }
    }

    private async Task<bool> AnswersAsync(PooledGuard guard, CancellationToken cancellationToken)
    {
        try
        {
            using var client = http.CreateClient(ProcessHost.HttpClientName);
            using var answer = await client.GetAsync(new Uri(guard.Url + "/readyz"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    /// <summary>Highest random weight (rendezvous hash).</summary>
    private Place PlaceOf(McpInstanceId instance) => places.MaxBy(place =>
        BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{place.Index}\0{instance}"))))!;

    private async Task<PooledGuard> GuardAsync(Place place, CancellationToken cancellationToken)
    {
        if (place.Guard is { IsAlive: true } known)
        {
            return known;
        }

        await place.Starting.WaitAsync(cancellationToken);
        try
        {
            if (place.Guard is { IsAlive: true } other)
            {
                return other;
            }

            var guard = await PooledGuard.StartAsync(hosting.Value.Shim, boots.Pool(), cancellationToken);
            place.Guard = guard;
            WatchAsync(place, guard).Ignore();
            LogStarted(place.Index, guard.Pid);
            return guard;
        }
        finally
        {
            place.Starting.Release();
        }
    }

    private async Task WatchAsync(Place place, PooledGuard guard)
    {
        var reason = await guard.Exited;
        var left = guard.End();
        if (guard.IsStopping)
        {
            return;
        }

        LogDied(place.Index, left.Count, reason);
        await Parallel.ForEachAsync(left, new ParallelOptions { MaxDegreeOfParallelism = ToldAtOnce }, async (one, _) =>
        {
            try
            {
                await grains.GetGrain<IMcpServerGrain>(one.Instance.ToString()).DeploymentEnded(one.Generation, $"its pooled guard broke down: {reason}");
            }
            catch (Exception e)
            {
                // the grain's own probe, or the next call, finds out
                LogNotTold(e, one.Instance);
            }
        });
    }

    [LoggerMessage(LogLevel.Information, "Pooled guard {Index} started as process {Pid}")]
    private partial void LogStarted(int index, int pid);

    [LoggerMessage(LogLevel.Warning, "Pooled guard {Index} broke down under {Count} instances: {Reason}")]
    private partial void LogDied(int index, int count, string reason);

    [LoggerMessage(LogLevel.Warning, "Pooled guard {Index} of {Count} instances does not answer and is ended")]
    private partial void LogHung(int index, int count);

    [LoggerMessage(LogLevel.Warning, "{Instance} could not be told that its pooled guard broke down")]
    private partial void LogNotTold(Exception exception, McpInstanceId instance);

    private sealed class Place(int index)
    {
        public int Index => index;

        public volatile PooledGuard? Guard;

        public SemaphoreSlim Starting { get; } = new(1, 1);
    }
}
