namespace Obot.Shim.Contracts.Boot;

/// <summary>What a shim tells whoever started it: one JSON document a line on standard output.</summary>
public sealed record ShimEvent
{
    /// <summary>One of <see cref="Ready"/>, <see cref="Failed"/>, <see cref="Log"/>, <see cref="Attached"/>, <see cref="Refused"/>.</summary>
    public required string Event { get; init; }

    /// <summary><see cref="Ready"/>: where it listens (<c>http://127.0.0.1:40123</c> or a socket's path).</summary>
    public string? Address { get; init; }

    /// <summary><see cref="Failed"/>: why, for a person. The process exits with 1 afterwards.</summary>
    public string? Reason { get; init; }

    /// <summary><see cref="Log"/>: a line that the MCP server wrote to its standard error, at most 4 KiB, or how one of its processes ended.</summary>
    public string? Line { get; init; }

    /// <summary><see cref="Ready"/> of a bridge: does the server speak the modern era?</summary>
    public bool? Modern { get; init; }

    /// <summary><see cref="Attached"/>, <see cref="Refused"/>: which instance, and <see cref="Generation"/> of it.</summary>
    public string? Instance { get; init; }

    public long? Generation { get; init; }

    public const string Ready = "ready";
    public const string Failed = "failed";
    public const string Log = "log";

    /// <summary>A pooled guard serves the instance.</summary>
    public const string Attached = "attached";

    /// <summary>A pooled guard cannot serve the instance; <see cref="Reason"/> says why.</summary>
    public const string Refused = "refused";
}
