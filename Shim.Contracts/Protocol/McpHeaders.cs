namespace Obot.Shim.Contracts.Protocol;

/// <summary>Headers and versions of the MCP specification's streamable HTTP transport.</summary>
public static class McpHeaders
{
    public const string SessionId = "Mcp-Session-Id";
    public const string ProtocolVersion = "MCP-Protocol-Version";
    public const string Method = "Mcp-Method";
    public const string Name = "Mcp-Name";

    /// <summary>What follows is the value of <c>x-mcp-header</c> in a tool's <c>inputSchema</c>.</summary>
    public const string ParamPrefix = "Mcp-Param-";

    public const string LastEventId = "Last-Event-ID";

    /// <summary>Key in <c>_meta</c> of a modern request: what the client can do.</summary>
    public const string ClientCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
}

/// <summary>Protocol revisions, oldest first. The modern era begins with <see cref="Modern"/>.</summary>
public static class McpVersions
{
    public const string Modern = "2026-07-28";
    public const string LatestLegacy = "2025-11-25";

    public static IReadOnlyList<string> Legacy { get; } = ["2024-11-05", "2025-03-26", "2025-06-18", LatestLegacy];

    /// <summary>Revisions are dates, so they compare as text.</summary>
    public static bool IsModern(string? version) => version is not null && string.CompareOrdinal(version, Modern) >= 0;
}

/// <summary>JSON-RPC error codes of the specification, and ours beside them.</summary>
public static class McpErrorCodes
{
    public const int ParseError = -32700;
    public const int InvalidRequest = -32600;
    public const int MethodNotFound = -32601;
    public const int InvalidParams = -32602;
    public const int InternalError = -32603;
    public const int HeaderMismatch = -32020;
    public const int MissingCapability = -32021;
    public const int UnsupportedVersion = -32022;

    /// <summary>A person has to open a link first (revision 2025-11-25).</summary>
    public const int UrlElicitationRequired = -32042;

    /// <summary>The platform refused or could not deliver the call (server-defined range of JSON-RPC 2.0).</summary>
    public const int Refused = -32000;
}
