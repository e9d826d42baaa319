namespace Obot.Shim.Contracts.Audit;

/// <summary>
/// What is known of one call. Written by <see cref="FrameWriter"/> into a <see cref="Journal"/>, sent as it lies there, read by the cluster. The server is
/// not part of it: it follows from whose journal or channel the record came in.
/// </summary>
public sealed record AuditRecord
{
    /// <summary>UUIDv7 of <see cref="At"/>. With it, what makes a record the same when it comes twice.</summary>
    public required Guid Id { get; init; }

    /// <summary>When the first byte of the call was read; whole microseconds.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>From <see cref="At"/> to the answer's last byte.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>Null before anybody was authenticated.</summary>
    public string? UserId { get; init; }

    /// <summary>Id of the API key, session or grant; never the credential.</summary>
    public string? CredentialId { get; init; }

    /// <summary><c>clientInfo.name</c>; where a client never said, the product of its <c>User-Agent</c>.</summary>
    public string? ClientName { get; init; }

    public string? ClientVersion { get; init; }

    /// <summary>Only in the journal of a silo, which records refusals for every server.</summary>
    public string? ServerId { get; init; }

    /// <summary>JSON-RPC method; <c>GET</c> and <c>DELETE</c> for what has none; <c>response</c> for a client's answer to a server's question.</summary>
    public required string Method { get; init; }

    /// <summary>Tool, prompt, URI or task.</summary>
    public string? Identifier { get; init; }

    /// <summary>HTTP status; 499 when the client went away before it was answered.</summary>
    public required int Status { get; init; }

    /// <summary>Null when the call went well: else the JSON-RPC error, the tool's own error, or why there was no answer.</summary>
    public string? Error { get; init; }

    /// <summary>Legacy session, as <see cref="AuditSession"/> writes it.</summary>
    public string? SessionId { get; init; }

    /// <summary>32 hexadecimal digits of <c>traceparent</c> (W3C Trace Context).</summary>
    public string? TraceId { get; init; }

    public string? ClientIp { get; init; }

    public IReadOnlyList<FilterRun> Filters { get; init; } = [];

    /// <summary>True length of the request's body, whatever was kept of it.</summary>
    public long RequestBytes { get; init; }

    /// <summary>True length of the answer's body.</summary>
    public long ResponseBytes { get; init; }

    /// <summary>What only the writer's own kind of records has, as that kind writes it; empty for MCP calls. Good as long as the memory that it was read from.</summary>
    public ReadOnlyMemory<byte> Extra { get; init; }

    /// <summary>Bodies and headers as <see cref="AuditDetail"/> reads them. Good as long as the memory that it was read from.</summary>
    public ReadOnlyMemory<byte> Detail { get; init; }
}

/// <summary>Session ids in records and searches.</summary>
public static class AuditSession
{
    private const int MaxLength = 200;

    /// <summary>The id as the client holds it; a long one (it may carry more than a name) by its SHA-256.</summary>
    public static string? Of(string? handle) => handle is { Length: > MaxLength }
        ? $"sha256:{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(handle)))}"
        : handle;
}
