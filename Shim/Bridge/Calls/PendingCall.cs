using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>A request that a child has not answered yet.</summary>
internal sealed class PendingCall
{
    /// <summary>The id under which the child knows it.</summary>
    public required RequestId WireId { get; init; }

    /// <summary>Raw token of the id that the client wrote.</summary>
    public required byte[] Id { get; init; }

    /// <summary>The progress token under which the child knows it.</summary>
    public RequestId? WireToken { get; init; }

    /// <summary>Raw token of the progress token that the client wrote.</summary>
    public byte[] Token { get; init; } = [];

    /// <summary>Can the client read messages before the answer (SSE)?</summary>
    public required bool AcceptsStream { get; init; }

    /// <summary><c>subscriptions/listen</c>: open for long, and no activity.</summary>
    public bool IsListen { get; init; }

    /// <summary>Of two calls of one child, the later one has the higher number.</summary>
    public required long Order { get; init; }

    /// <summary>The client went away, and its era does not call that a cancellation.</summary>
    public bool IsDetached { get; set; }

    public MessageQueue Messages { get; } = new();

    public void Fail(int code, string message) =>
        Messages.Complete(new OutboundMessage(JsonRpcError.Write(Id, code, message), IsFinal: true, code));
}
