using System.Buffers;
using System.Globalization;
using System.Text;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>
/// The child that serves all requests of one principal that belong to no session. Ids, progress tokens and subscription ids are
/// made unique on the way in and restored on the way out; what cannot be attributed is dropped rather than guessed.
/// </summary>
internal sealed class SharedConnection : Connection
{
    private const string Prefix = "obot-";

    private static readonly IncomingMessage InitializeRequest = IncomingMessage.Of(
        $$$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"{{{McpVersions.LatestLegacy}}}","capabilities":{},"clientInfo":{"name":"obot","version":"1.0.0"} } }""");

    private static readonly IncomingMessage InitializedNotification = IncomingMessage.Of(
        """{"jsonrpc":"2.0","method":"notifications/initialized"}""");

    private static readonly IncomingMessage DiscoverRequest = IncomingMessage.Of(
        $$$"""{"jsonrpc":"2.0","id":0,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"{{{McpVersions.Modern}}}","io.modelcontextprotocol/clientInfo":{"name":"obot","version":"1.0.0"},"io.modelcontextprotocol/clientCapabilities":{} } } }""");

    public SharedConnection(string principal, TimeProvider time)
        : base(principal, time) => ToolHeaders = new ToolHeaders(this, time);

    /// <summary>For modern calls of tools.</summary>
    public ToolHeaders ToolHeaders { get; }

    /// <summary>The era that it was started in.</summary>
    public bool IsModern { get; set; }

    public ValueTask<PendingCall> DiscoverAsync(CancellationToken cancellationToken) =>
        CallAsync(DiscoverRequest, acceptsStream: false, cancellationToken);

    /// <summary>The legacy handshake, in our own name.</summary>
    /// <returns>The version that the server answered with.</returns>
    /// <exception cref="ServerStartException">It answered with an error, or ended.</exception>
    public async Task<string> InitializeAsync(CancellationToken cancellationToken)
    {
        var call = await CallAsync(InitializeRequest, acceptsStream: false, cancellationToken);
        if (await call.Messages.TakeFinalAsync(cancellationToken) is not { } answer || IsEnded)
        {
            throw new ServerStartException("the server ended before it answered initialize");
        }

        if (answer.ErrorCode is not null)
        {
            throw new ServerStartException($"the server refused initialize: {Encoding.UTF8.GetString(answer.Bytes.Span[..Math.Min(answer.Bytes.Length, 1000)])}");
        }

        await NotifyAsync(InitializedNotification, cancellationToken);
        var bytes = answer.Bytes.Span;
        return JsonText.Read(bytes, EnvelopeReader.Read(bytes).ResultVersion) ?? McpVersions.LatestLegacy;
    }

    public override async ValueTask<PendingCall> CallAsync(IncomingMessage message, bool acceptsStream, CancellationToken cancellationToken)
    {
        var envelope = message.Envelope;
        var number = NextOrder();
        var wireId = Unique(message.Body, envelope.Id, number);
        var wireToken = envelope.ProgressToken.Present ? Unique(message.Body, envelope.ProgressToken, number) : null;
        var call = new PendingCall
        {
            WireId = RequestId.Read(wireId),
            Id = message.Id,
            WireToken = wireToken is null ? null : RequestId.Read(wireToken),
            Token = message.Slice(envelope.ProgressToken),
            AcceptsStream = acceptsStream,
            IsListen = envelope.Method is McpMethods.Listen,
            Order = number,
        };
        Add(call);
        var line = Splice.Apply(message.Sequence, [new(envelope.Id, wireId), new(envelope.ProgressToken, wireToken)]);
        await SendAsync(line, call, cancellationToken);
        return call;
    }

    public override async ValueTask NotifyAsync(IncomingMessage message, CancellationToken cancellationToken)
    {
        Touch();
        if (IsEnded)
        {
            throw Gone();
        }

        var envelope = message.Envelope;
        if (envelope.Method is not McpMethods.Cancelled)
        {
            await SendAsync(message.Line, call: null, cancellationToken);
        }
        else if (envelope.RequestId.Present && FindByClientId(RequestId.Read(message.Slice(envelope.RequestId))) is { } call)
        {
            await SendAsync(Splice.Apply(message.Sequence, [new(envelope.RequestId, Token(call.WireId))]), call: null, cancellationToken);
            ExpectNoAnswer(call);
        }
    }

    /// <summary>The client of a modern call went away, which is its cancellation.</summary>
    public async Task CancelAsync(PendingCall call)
    {
        if (TryRemove(call.WireId, out _) && !IsEnded)
        {
            byte[] line =
            [
                .. """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"""u8, .. Token(call.WireId),
                .. ""","reason":"the client disconnected"}}"""u8, (byte)'\n',
            ];
            await Child.WriteAsync(line, CancellationToken.None);
        }
    }

    protected override byte[] Restore(PendingCall call, in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line) => OneLine.Clean(
        Splice.Apply(line, [new(envelope.Id, call.Id), new(envelope.SubscriptionId, SubscriptionOf(call, envelope, line))]));

    protected override void OnServerMessage(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line)
    {
        if (envelope.Method is McpMethods.ToolsChanged)
        {
            ToolHeaders.Forget();
        }

        if (envelope.Kind == EnvelopeKind.Request)
        {
            Answer(envelope, line);
        }
        else if (FindByToken(envelope, line) is { } owner)
        {
            Deliver(owner, Splice.Apply(line, [new(envelope.ProgressOf, owner.Token), new(envelope.SubscriptionId, SubscriptionOf(owner, envelope, line))]));
        }
        else if (envelope.SubscriptionId.Present)
        {
            if (FindSubscription(RequestId.Read(line, envelope.SubscriptionId)) is { } listen)
            {
                Deliver(listen, Splice.Apply(line, [new(envelope.SubscriptionId, SubscriptionOf(listen, envelope, line))]));
            }
        }
        else if (!envelope.ProgressOf.Present && (!IsModern || envelope.Method is "notifications/message") && Single() is { } only)
        {
            Deliver(only, OneLine.Copy(line));
        }
    }

    private static void Deliver(PendingCall call, byte[] message)
    {
        if (call is { AcceptsStream: true, IsDetached: false })
        {
            call.Messages.TryAdd(OneLine.Clean(message));
        }
    }

    // a server may write the number of a subscription as a string
    private static byte[] SubscriptionOf(PendingCall call, in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line) =>
        envelope.SubscriptionId.Present && !call.WireId.IsString && line.Slice(envelope.SubscriptionId.Start, 1).FirstSpan[0] == '"'
            ? [(byte)'"', .. call.Id, (byte)'"']
            : call.Id;

    // of the same kind as the client's, because a server may depend on it
    private static byte[] Unique(ReadOnlySpan<byte> body, TokenRange original, long number) =>
        Token(body[original.Start] == '"'
            ? new RequestId(IsString: true, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number}"))
            : RequestId.Number(number));

    private static byte[] Token(RequestId id) => Encoding.UTF8.GetBytes(id.IsString ? $"\"{id.Text}\"" : id.Text);

    private PendingCall? FindSubscription(RequestId id) =>
        Find(id) ?? (id.IsString ? Find(id with { IsString = false }) : null);

    // two clients of one principal may use the same id: then nobody knows which one is meant
    private PendingCall? FindByClientId(RequestId id)
    {
        lock (Gate)
        {
            var matches = Calls.Where(c => RequestId.Read(c.Id) == id).Take(2).ToList();
            return matches.Count == 1 ? matches[0] : null;
        }
    }

    private PendingCall? Single()
    {
        lock (Gate)
        {
            var open = Calls.Where(c => !c.IsListen).Take(2).ToList();
            return open.Count == 1 ? open[0] : null;
        }
    }

    // nobody stands behind a shared child who could answer its requests
    private void Answer(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line)
    {
        var id = line.Slice(envelope.Id.Start, envelope.Id.Length).ToArray();
        byte[] answer = envelope.Method is McpMethods.Ping
            ? [.. """{"jsonrpc":"2.0","id":"""u8, .. id, .. ""","result":{}}"""u8, (byte)'\n']
            : [.. JsonRpcError.Write(id, McpErrorCodes.MethodNotFound, $"{envelope.Method} needs a session: the caller of this request has none"), (byte)'\n'];
        _ = Child.WriteAsync(answer, CancellationToken.None).AsTask();
    }
}
