using System.Buffers;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>A legacy session: a child of its own, so every byte passes unchanged both ways.</summary>
internal sealed class SessionConnection(string principal, TimeProvider time) : Connection(principal, time)
{
    private const int MaxBufferedMessages = 256;
    private const long MaxBufferedBytes = 4 * 1024 * 1024;

    private readonly Queue<byte[]> buffered = [];
    private long bufferedBytes;
    private MessageQueue? stream;

    /// <summary>244 random bits. Guids come from the kernel; RandomNumberGenerator would load OpenSSL, 4 MB of every bridge.</summary>
    public string SessionId { get; } = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";

    public override async ValueTask<PendingCall> CallAsync(IncomingMessage message, bool acceptsStream, CancellationToken cancellationToken)
    {
        var envelope = message.Envelope;
        var token = message.Slice(envelope.ProgressToken);
        var call = new PendingCall
        {
            WireId = RequestId.Read(message.Id),
            Id = message.Id,
            WireToken = token.Length > 0 ? RequestId.Read(token) : null,
            Token = token,
            AcceptsStream = acceptsStream,
            Order = NextOrder(),
        };
        Add(call);
        await SendAsync(message.Line, call, cancellationToken);
        return call;
    }

    public override async ValueTask NotifyAsync(IncomingMessage message, CancellationToken cancellationToken)
    {
        Touch();
        if (IsEnded)
        {
            throw Gone();
        }

        await SendAsync(message.Line, call: null, cancellationToken);
        var envelope = message.Envelope;
        if (envelope is { Method: McpMethods.Cancelled, RequestId.Present: true } && Find(RequestId.Read(message.Slice(envelope.RequestId))) is { } call)
        {
            ExpectNoAnswer(call);
        }
    }

    /// <summary>Opens the server→client stream; a second one takes the place of the first, whose client may be long gone.</summary>
    public MessageQueue OpenStream()
    {
        var opened = new MessageQueue();
        lock (Gate)
        {
            if (IsEnded)
            {
                opened.Complete();
                return opened;
            }

            stream?.Complete();
            stream = opened;
            while (buffered.TryDequeue(out var message))
            {
                opened.TryAdd(message);
            }

            bufferedBytes = 0;
        }

        return opened;
    }

    public void CloseStream(MessageQueue closed)
    {
        lock (Gate)
        {
            if (stream == closed)
            {
                stream = null;
            }
        }
    }

    protected override byte[] Restore(PendingCall call, in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line) => OneLine.Copy(line);

    protected override void OnServerMessage(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line)
    {
        var message = OneLine.Copy(line);
        var owner = FindByToken(envelope, line);
        lock (Gate)
        {
            var target = owner is { AcceptsStream: true, IsDetached: false } ? owner.Messages : Choose();
            if (target is null || !target.TryAdd(message))
            {
                Buffer(message);
            }
        }
    }

    protected override void OnGone()
    {
        lock (Gate)
        {
            stream?.Complete();
            stream = null;
        }
    }

    // stdio does not say which request a message belongs to: a single call, else the session's own stream, else the latest call
    private MessageQueue? Choose()
    {
        PendingCall? latest = null;
        var count = 0;
        foreach (var call in Calls)
        {
            if (call is { AcceptsStream: true, IsDetached: false })
            {
                count++;
                latest = latest is null || call.Order > latest.Order ? call : latest;
            }
        }

        return count == 1 ? latest!.Messages : stream ?? latest?.Messages;
    }

    private void Buffer(byte[] message)
    {
        buffered.Enqueue(message);
        bufferedBytes += message.Length;
        while (buffered.Count > MaxBufferedMessages || (bufferedBytes > MaxBufferedBytes && buffered.Count > 1))
        {
            bufferedBytes -= buffered.Dequeue().Length;
        }
    }
}
