using Obot.Shim.Guard.Authorization;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard;

/// <summary>What the steps of the pipeline learn of one request.</summary>
internal sealed class GuardCall(HttpContext context, long started)
{
    public HttpContext Context { get; } = context;

    /// <summary>Timestamp of the first byte.</summary>
    public long Started { get; } = started;

    public Caller? Caller { get; set; }

    /// <summary>The message of a POST; default for streams and the end of sessions.</summary>
    public JsonRpcEnvelope Envelope { get; set; }

    /// <summary>Raw token of the request's id; empty when there is none.</summary>
    public ReadOnlyMemory<byte> Id { get; set; }

    /// <summary>The server's own session id, unsealed; null when the client sent none.</summary>
    public string? UpstreamSession { get; set; }

    /// <summary>Set when a step refused the call: it goes no further.</summary>
    public bool Refused { get; private set; }

    public void MarkRefused() => Refused = true;

    /// <summary>Ends the call with a JSON-RPC error that carries its id.</summary>
    public Task RefuseAsync(int status, int code, string message)
    {
        Refused = true;
        return GuardAnswers.WriteErrorAsync(Context, status, Id.Span, code, message);
    }
}
