using System.Threading.Channels;

namespace Obot.Shim.Bridge.Calls;

/// <summary>A message on its way to a client.</summary>
/// <param name="Bytes">JSON on one line.</param>
/// <param name="IsFinal">The answer to the call, after which nothing comes.</param>
/// <param name="ErrorCode">Of an answer that is an error.</param>
internal readonly record struct OutboundMessage(ReadOnlyMemory<byte> Bytes, bool IsFinal = false, int? ErrorCode = null);

/// <summary>What one HTTP response still has to write. A client that does not read loses notifications, never the answer.</summary>
internal sealed class MessageQueue
{
    private const long MaxQueuedBytes = 8 * 1024 * 1024;

    private readonly Channel<OutboundMessage> messages = Channel.CreateUnbounded<OutboundMessage>(new UnboundedChannelOptions { SingleReader = true });
    private long queuedBytes;

    /// <summary>False when too much is waiting already, or the queue has ended.</summary>
    public bool TryAdd(ReadOnlyMemory<byte> message)
    {
        if (Volatile.Read(ref queuedBytes) + message.Length > MaxQueuedBytes && queuedBytes > 0)
        {
            return false;
        }

        Interlocked.Add(ref queuedBytes, message.Length);
        return messages.Writer.TryWrite(new OutboundMessage(message));
    }

    /// <summary>Nothing comes any more; <paramref name="final"/> is the last message, if there is one.</summary>
    public void Complete(OutboundMessage? final = null)
    {
        if (final is { } message)
        {
            messages.Writer.TryWrite(message);
        }

        messages.Writer.TryComplete();
    }

    /// <summary>False at the end.</summary>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => messages.Reader.WaitToReadAsync(cancellationToken);

    public bool TryTake(out OutboundMessage message)
    {
        if (!messages.Reader.TryRead(out message))
        {
            return false;
        }

        Interlocked.Add(ref queuedBytes, message.IsFinal ? 0 : -message.Bytes.Length);
        return true;
    }

    /// <summary>The answer, everything before it thrown away; null when there was none.</summary>
    public async Task<OutboundMessage?> TakeFinalAsync(CancellationToken cancellationToken)
    {
        while (await WaitAsync(cancellationToken))
        {
            while (TryTake(out var message))
            {
                if (message.IsFinal)
                {
                    return message;
                }
            }
        }

        return null;
    }
}
