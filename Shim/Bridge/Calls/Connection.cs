using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Obot.Shim.Bridge.Boot;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>One child and the calls it has not answered yet.</summary>
internal abstract class Connection(string principal, TimeProvider time) : IChildOwner
{
    private const int MaxCalls = 1000;
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(5);

    private readonly Dictionary<RequestId, PendingCall> calls = [];
    private readonly Dictionary<RequestId, PendingCall> tokens = [];
    private long order;
    private long lastUsed = time.GetTimestamp();
    private int ended;
    private ChildProcess? child;

    /// <summary>Guards the tables of calls, and the streams of the classes below.</summary>
    protected Lock Gate { get; } = new();

    /// <summary>Whose child it is. The child of the start-up probe belongs to nobody until it is adopted.</summary>
    public string Principal { get; set; } = principal;

    /// <summary>Its child has ended, or is about to.</summary>
    public bool IsEnded => Volatile.Read(ref ended) != 0;

    /// <summary>Told once, when the child has ended.</summary>
    public Action<Connection>? Ended { get; set; }

    public ChildProcess Child => child ?? throw new InvalidOperationException("the connection was not opened");

    public TimeSpan Idle => time.GetElapsedTime(Volatile.Read(ref lastUsed));

    /// <summary>Somebody waits for an answer. Open listen and GET streams are no activity.</summary>
    public bool IsBusy
    {
        get
        {
            lock (Gate)
            {
                return calls.Values.Any(c => c is { IsListen: false, IsDetached: false });
            }
        }
    }

    protected IReadOnlyCollection<PendingCall> Calls => calls.Values;

    public void Open(ChildCommand command, BridgeBoot boot, ServerLog log)
    {
        child = ChildProcess.Start(command, boot, log, this);
        child.Listen();
    }

    /// <summary>Sends a request and returns the call to wait on.</summary>
    /// <exception cref="CallRefusedException">It was not sent.</exception>
    public abstract ValueTask<PendingCall> CallAsync(IncomingMessage message, bool acceptsStream, CancellationToken cancellationToken);

    /// <summary>Sends a notification, or a client's response to a server's request.</summary>
    /// <exception cref="CallRefusedException">It was not sent.</exception>
    public abstract ValueTask NotifyAsync(IncomingMessage message, CancellationToken cancellationToken);

    /// <summary>Refuses calls from now on, if nobody waits for one and the last was long enough ago. Then it can be ended.</summary>
    public bool TryRetire(TimeSpan idle)
    {
        lock (Gate)
        {
            return Idle >= idle && !IsBusy && Interlocked.Exchange(ref ended, 1) == 0;
        }
    }

    /// <summary>Ends the child; its streams end without an error.</summary>
    public Task EndAsync(string reason)
    {
        Volatile.Write(ref ended, 1);
        return child?.EndAsync(reason) ?? Task.CompletedTask;
    }

    /// <summary>Nobody waits for it any more, but it goes on: the legacy era's meaning of a disconnect.</summary>
    public void Detach(PendingCall call)
    {
        lock (Gate)
        {
            call.IsDetached = true;
        }

        Touch();
    }

    public void OnMessage(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line)
    {
        if (envelope.Kind != EnvelopeKind.Response)
        {
            OnServerMessage(envelope, line);
        }
        else if (envelope.Id.Present && TryRemove(RequestId.Read(line, envelope.Id), out var call))
        {
            Touch();
            call.Messages.Complete(new OutboundMessage(call.IsDetached ? default : Restore(call, envelope, line), IsFinal: true, envelope.ErrorCode));
        }
    }

    public void OnExit(ChildExit exit)
    {
        Volatile.Write(ref ended, 1);
        List<PendingCall> waiting;
        lock (Gate)
        {
            waiting = [.. calls.Values];
            calls.Clear();
            tokens.Clear();
        }

        var lastLine = exit.Errors[(exit.Errors.LastIndexOf('\n') + 1)..];
        var message = lastLine.Length > 0 ? $"the MCP server is gone: {exit.Reason}: {lastLine}" : $"the MCP server is gone: {exit.Reason}";
        foreach (var call in waiting)
        {
            if (exit.Ordered && call.IsListen)
            {
                call.Messages.Complete();
            }
            else
            {
                call.Fail(McpErrorCodes.InternalError, message);
            }
        }

        OnGone();
        Ended?.Invoke(this);
    }

    protected abstract void OnServerMessage(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line);

    /// <summary>The answer as the client has to see it.</summary>
    protected abstract byte[] Restore(PendingCall call, in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line);

    protected virtual void OnGone()
    {
    }

    protected long NextOrder() => Interlocked.Increment(ref order);

    protected void Touch() => Volatile.Write(ref lastUsed, time.GetTimestamp());

    protected void Add(PendingCall call)
    {
        Touch();
        lock (Gate)
        {
            if (IsEnded)
            {
                throw Gone();
            }

            if (calls.Count >= MaxCalls)
            {
                throw new CallRefusedException(503, McpErrorCodes.Refused, $"the MCP server has {MaxCalls} calls in flight");
            }

            if (!calls.TryAdd(call.WireId, call))
            {
                throw new CallRefusedException(400, McpErrorCodes.InvalidRequest, $"a request with the id {call.WireId.Text} is in flight in this session");
            }

            if (call.WireToken is { } token)
            {
                tokens.TryAdd(token, call);
            }
        }
    }

    protected bool TryRemove(RequestId wireId, [NotNullWhen(true)] out PendingCall? call)
    {
        lock (Gate)
        {
            if (!calls.Remove(wireId, out call))
            {
                return false;
            }

            if (call.WireToken is { } token && tokens.TryGetValue(token, out var holder) && holder == call)
            {
                tokens.Remove(token);
            }

            return true;
        }
    }

    protected PendingCall? Find(RequestId wireId)
    {
        lock (Gate)
        {
            return calls.GetValueOrDefault(wireId);
        }
    }

    protected PendingCall? FindByToken(in JsonRpcEnvelope envelope, in ReadOnlySequence<byte> line)
    {
        if (!envelope.ProgressOf.Present)
        {
            return null;
        }

        var token = RequestId.Read(line, envelope.ProgressOf);
        lock (Gate)
        {
            return tokens.GetValueOrDefault(token);
        }
    }

    /// <summary>A cancelled call may stay unanswered for ever; its client gets an end all the same.</summary>
    protected void ExpectNoAnswer(PendingCall call) => _ = Task.Delay(CancelGrace, time).ContinueWith(
        _ =>
        {
            if (TryRemove(call.WireId, out var unanswered))
            {
                unanswered.Fail(McpErrorCodes.Refused, "the request was cancelled by the client");
            }
        },
        TaskScheduler.Default);

    protected async ValueTask SendAsync(ReadOnlyMemory<byte> line, PendingCall? call, CancellationToken cancellationToken)
    {
        try
        {
            if (await Child.WriteAsync(line, cancellationToken))
            {
                return;
            }
        }
        catch (OperationCanceledException)
        {
            Forget(call);
            throw;
        }

        Forget(call);
        throw new CallRefusedException(503, McpErrorCodes.Refused, "the MCP server does not read its input; too much is waiting for it");
    }

    protected static ConnectionGoneException Gone() => new();

    private void Forget(PendingCall? call)
    {
        if (call is not null)
        {
            TryRemove(call.WireId, out _);
        }
    }
}
