using System.Collections.Concurrent;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Process;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting.Pool;

/// <summary>One guard process and the generations that it serves.</summary>
internal sealed class PooledGuard
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<McpInstanceId, long> serves = new();
    private readonly ConcurrentDictionary<(string Instance, long Generation), TaskCompletionSource<string?>> asked = new();
    private ShimProcess process = null!;

    private PooledGuard()
    {
    }

    public string Url { get; private set; } = "";

    public int Pid => process.Pid;

    public int Count => serves.Count;

    /// <summary>Completes when the process is gone, with a reason for a person.</summary>
    public Task<string> Exited => process.Exited;

    public bool IsAlive => !Exited.IsCompleted && !IsStopping;

    public bool IsStopping { get; private set; }

    /// <exception cref="ServerStartException">It did not start.</exception>
    public static async Task<PooledGuard> StartAsync(string shim, PoolBoot boot, CancellationToken cancellationToken)
    {
        var guard = new PooledGuard();
        guard.process = ShimProcess.Start(shim, ShimProcess.PoolRole, boot, ShimJson.Default.PoolBoot, _ => { }, guard.Heard);
        try
        {
            guard.Url = (await guard.process.ReadyAsync(cancellationToken)).Address!;
            return guard;
        }
        catch
        {
            guard.Kill();
            throw;
        }
    }

    public bool Serves(McpInstanceId instance) => serves.ContainsKey(instance);

    /// <exception cref="ServerStartException">It refused, or ended.</exception>
    public async Task AttachAsync(GuardBoot boot, McpInstanceId instance, CancellationToken cancellationToken)
    {
        var key = (boot.Instance, boot.Generation);
        var answer = asked.GetOrAdd(key, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        try
        {
            serves[instance] = boot.Generation;
            await process.SendAsync(new PoolOrder { Attach = boot }, ShimJson.Default.PoolOrder, cancellationToken);
            await Task.WhenAny((Task)answer.Task, Exited).WaitAsync(cancellationToken);
            if (!answer.Task.IsCompleted)
            {
                throw new ServerStartException($"its pooled guard broke down: {await Exited}");
            }

            if (await answer.Task is { } fault)
            {
                throw new ServerStartException(fault);
            }
        }
        catch
        {
            serves.TryRemove(new(instance, boot.Generation));
            throw;
        }
        finally
        {
            asked.TryRemove(key, out _);
        }
    }

    public async Task DetachAsync(McpInstanceId instance, long generation)
    {
        if (!serves.TryGetValue(instance, out var served) || served > generation || !serves.TryRemove(new(instance, served)))
        {
            return;
        }

        using var limit = new CancellationTokenSource(Grace);
        try
        {
            await process.SendAsync(new PoolOrder { Detach = instance.ToString(), Generation = generation }, ShimJson.Default.PoolOrder, limit.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // it hangs or is gone: its end ends the instance as well
        }
    }

    public Task StopAsync()
    {
        IsStopping = true;
        return process.StopAsync(Grace);
    }

    public void Kill() => process.Kill();

    /// <summary>After the end of the process: what it served.</summary>
    public IReadOnlyList<(McpInstanceId Instance, long Generation)> End()
    {
        var left = serves.Select(pair => (pair.Key, pair.Value)).ToList();
        serves.Clear();
        return left;
    }

    private void Heard(ShimEvent said)
    {
        if (said is { Event: ShimEvent.Attached or ShimEvent.Refused, Instance: { } instance, Generation: { } generation } && asked.TryGetValue((instance, generation), out var waiting))
        {
            waiting.TrySetResult(said.Event == ShimEvent.Attached ? null : said.Reason ?? "its pooled guard refused it");
        }
    }
}
