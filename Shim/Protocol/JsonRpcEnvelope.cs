using System.Runtime.InteropServices;

namespace Obot.Shim.Protocol;

internal enum EnvelopeKind
{
    /// <summary>Not a JSON-RPC message: see <see cref="JsonRpcEnvelope.Fault"/>.</summary>
    Invalid,

    /// <summary>A JSON array. Its content is not looked at.</summary>
    Batch,
    Request,
    Notification,
    Response,
}

internal enum EnvelopeFault
{
    None,

    /// <summary>Not JSON, not UTF-8, or nested too deeply.</summary>
    Syntax,

    /// <summary>A key appears twice where two readers could disagree about it: root, <c>params</c> or <c>params._meta</c>.</summary>
    DuplicateKey,

    /// <summary>JSON, but neither a request, a notification nor a response.</summary>
    Shape,
}

internal enum IdKind
{
    Absent,
    Null,
    Number,
    String,
}

/// <summary>A JSON token inside a message: strings with their quotes. Empty means absent.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct TokenRange(int Start, int Length)
{
    public bool Present => Length > 0;

    public int End => Start + Length;
}

/// <summary>
/// What routing and policy need of one JSON-RPC message, as positions in its bytes. The bytes themselves are what is forwarded.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct JsonRpcEnvelope
{
    public EnvelopeKind Kind { get; set; }

    public EnvelopeFault Fault { get; set; }

    public IdKind IdKind { get; set; }

    public TokenRange Id { get; set; }

    /// <summary>A key of the root or of <c>params</c> differs from one that is read here by case only: see <see cref="KeyFold"/>.</summary>
    public bool HasLookalike { get; set; }

    /// <summary>Is the member <c>jsonrpc</c> there with the value <c>2.0</c>?</summary>
    public bool IsVersion2 { get; set; }

    /// <summary>Unescaped; one instance for each method of the specification.</summary>
    public string? Method { get; set; }

    public bool HasResult { get; set; }

    public bool HasError { get; set; }

    /// <summary><c>error.code</c>, if it is an integer.</summary>
    public int? ErrorCode { get; set; }

    /// <summary><c>params.name</c>, if it is a string; the same holds for <see cref="Uri"/> and <see cref="TaskId"/>.</summary>
    public TokenRange Name { get; set; }

    public TokenRange Uri { get; set; }

    public TokenRange TaskId { get; set; }

    /// <summary><c>params.arguments</c>, if it is an object.</summary>
    public TokenRange Arguments { get; set; }

    /// <summary><c>params.requestId</c> of <c>notifications/cancelled</c>.</summary>
    public TokenRange RequestId { get; set; }

    /// <summary><c>params.progressToken</c> of <c>notifications/progress</c>.</summary>
    public TokenRange ProgressOf { get; set; }

    /// <summary><c>params.protocolVersion</c> of <c>initialize</c>.</summary>
    public TokenRange InitializeVersion { get; set; }

    /// <summary>Who the client says that it is: <c>params.clientInfo</c> of <c>initialize</c>, <c>params._meta["io.modelcontextprotocol/clientInfo"]</c> of the modern era.</summary>
    public TokenRange ClientInfo { get; set; }

    /// <summary><c>params._meta.progressToken</c> of a request.</summary>
    public TokenRange ProgressToken { get; set; }

    /// <summary><c>params._meta["io.modelcontextprotocol/protocolVersion"]</c>.</summary>
    public TokenRange ProtocolVersion { get; set; }

    /// <summary>Is <c>params._meta["io.modelcontextprotocol/clientCapabilities"]</c> an object?</summary>
    public bool HasClientCapabilities { get; set; }

    /// <summary><c>params._meta</c> or <c>result._meta</c>, key <c>io.modelcontextprotocol/subscriptionId</c>.</summary>
    public TokenRange SubscriptionId { get; set; }

    /// <summary><c>result.protocolVersion</c> of the answer to <c>initialize</c>.</summary>
    public TokenRange ResultVersion { get; set; }
}
