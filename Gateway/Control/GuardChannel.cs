using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Hosting;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>This silo's end of what the cluster and one instance's guard say to each other.</summary>
/// <param name="isPooled">Does the wire belong to a guard of many instances?</param>
internal sealed class GuardChannel(IControlWire wire, bool isPooled = false) : IGuardChannel, IAsyncDisposable
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<long, TaskCompletionSource<bool>> pending = new();
    private long lastId;

    public bool IsPooled => isPooled;

    public async Task<bool> Drain(TimeSpan minIdle)
    {
        var id = Interlocked.Increment(ref lastId);
        var answer = pending[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            using var limit = new CancellationTokenSource(AnswerTimeout);
            await SendAsync(new() { Kind = ControlKinds.Drain, Id = id, MinIdleMilliseconds = (long)minIdle.TotalMilliseconds }, limit.Token);
            return await answer.Task.WaitAsync(limit.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            return false;
        }
        finally
        {
            pending.TryRemove(id, out _);
        }
    }

    public Task SendAsync(ControlMessage message, CancellationToken cancellationToken) => wire.SendAsync(message, cancellationToken);

    /// <summary>What the guard says, until it hangs up. Answers to requests go to whoever waits for them.</summary>
    public async IAsyncEnumerable<ControlMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var message in wire.ReadAllAsync(cancellationToken))
        {
            if (message is not { Kind: ControlKinds.Drained })
            {
                yield return message;
            }
            else if (pending.TryRemove(message.Id, out var waiting))
            {
                waiting.TrySetResult(message.Accepted is true);
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var waiting in pending.Values)
        {
            waiting.TrySetResult(false);
        }

        return ValueTask.CompletedTask;
    }
}
