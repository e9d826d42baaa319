using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Obot.Grains.Abstractions.Hosting;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>This silo's end of one guard's control channel.</summary>
internal sealed class GuardChannel(WebSocket socket) : IGuardChannel, IAsyncDisposable
{
    private const int MaxMessageBytes = 16 * 1024 * 1024;
    private const int KeptBytes = 64 * 1024;
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<long, TaskCompletionSource<bool>> pending = new();
    private readonly SemaphoreSlim sending = new(1, 1);
    private long lastId;

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

    public async Task SendAsync(ControlMessage message, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(message, ShimJson.Default.ControlMessage);
        await sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
        finally
        {
            sending.Release();
        }
    }

    /// <summary>What the guard says, until it hangs up. Answers to requests go to whoever waits for them.</summary>
    public async IAsyncEnumerable<ControlMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            if (received.MessageType is WebSocketMessageType.Close)
            {
                yield break;
            }

            length += received.Count;
            if (!received.EndOfMessage)
            {
                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length < MaxMessageBytes ? buffer.Length * 2 : throw new WebSocketException($"A guard sent a message above {MaxMessageBytes} bytes."));
                }

                continue;
            }

            var message = JsonSerializer.Deserialize(buffer.AsSpan(0, length), ShimJson.Default.ControlMessage);
            length = 0;
            if (buffer.Length > KeptBytes)
            {
                // a large batch of records came through; most guards send little, and there may be thousands of them
                buffer = new byte[KeptBytes];
            }

            if (message is { Kind: ControlKinds.Drained })
            {
                if (pending.TryRemove(message.Id, out var waiting))
                {
                    waiting.TrySetResult(message.Accepted is true);
                }
            }
            else if (message is not null)
            {
                yield return message;
            }
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var waiting in pending.Values)
        {
            waiting.TrySetResult(false);
        }

        sending.Dispose();
        return ValueTask.CompletedTask;
    }
}
