using System.Runtime.InteropServices;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Protocol;

/// <summary>Why a request is refused with HTTP 400.</summary>
/// <param name="Code">See <c>McpErrorCodes</c>.</param>
/// <param name="Message">For a person.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Refusal(int Code, string Message);

/// <summary>
/// Compares the headers of a modern request with its body (streamable HTTP, revision 2026-07-28: whoever reads the body must
/// refuse a mismatch with -32020), and asks for the <c>_meta</c> that every request has (-32602).
/// </summary>
internal static class ModernHeaders
{
    /// <summary>Null when headers and body match.</summary>
    public static Refusal? Check(in JsonRpcEnvelope envelope, ReadOnlySpan<byte> body, string? version, string? method, string? name) =>
        Check(envelope, JsonText.Read(body, envelope.ProtocolVersion), JsonText.Read(body, NameOf(envelope)), version, method, name);

    /// <param name="envelope">The message.</param>
    /// <param name="bodyVersion">Text of <see cref="JsonRpcEnvelope.ProtocolVersion"/>.</param>
    /// <param name="expected">Text of <see cref="NameOf"/>.</param>
    /// <param name="version">Header <c>MCP-Protocol-Version</c>.</param>
    /// <param name="method">Header <c>Mcp-Method</c>.</param>
    /// <param name="name">Header <c>Mcp-Name</c>.</param>
    public static Refusal? Check(in JsonRpcEnvelope envelope, string? bodyVersion, string? expected, string? version, string? method, string? name)
    {
        if (envelope.Kind is not (EnvelopeKind.Request or EnvelopeKind.Notification))
        {
            return null;
        }

        var isRequest = envelope.Kind == EnvelopeKind.Request;
        if (bodyVersion is not null && !string.Equals(bodyVersion, version, StringComparison.Ordinal))
        {
            return Mismatch($"{McpHeaders.ProtocolVersion} is {version ?? "absent"}, but the request's _meta says {bodyVersion}");
        }

        if (isRequest && (bodyVersion is null || !envelope.HasClientCapabilities))
        {
            return new Refusal(McpErrorCodes.InvalidParams, $"params._meta has no \"io.modelcontextprotocol/{(bodyVersion is null ? "protocolVersion" : "clientCapabilities")}\"");
        }

        if (!string.Equals(method, envelope.Method, StringComparison.Ordinal) && (isRequest || method is not null))
        {
            return Mismatch($"{McpHeaders.Method} is {method ?? "absent"}, but the method is {envelope.Method}");
        }

        return CheckName(expected, name, isRequest);
    }

    /// <summary>Null when the header repeats what the body names.</summary>
    public static Refusal? CheckName(string? expected, string? name, bool isRequired)
    {
        if (name is null)
        {
            return expected is not null && isRequired ? Mismatch($"{McpHeaders.Name} is absent, but the request names {expected}") : null;
        }

        if (!HeaderText.TryDecode(name, out var decoded))
        {
            return Mismatch($"{McpHeaders.Name} is neither visible ASCII nor valid base64 of UTF-8");
        }

        return expected is not null && !string.Equals(decoded, expected, StringComparison.Ordinal)
            ? Mismatch($"{McpHeaders.Name} is {decoded}, but the request names {expected}")
            : null;
    }

    private static Refusal Mismatch(string message) => new(McpErrorCodes.HeaderMismatch, message);

    /// <summary>What <c>Mcp-Name</c> repeats: absent for methods which it does not belong to.</summary>
    public static TokenRange NameOf(in JsonRpcEnvelope envelope) => envelope.Method switch
    {
        McpMethods.ToolsCall or McpMethods.PromptsGet => envelope.Name,
        McpMethods.ResourcesRead => envelope.Uri,
        McpMethods.TasksGet or McpMethods.TasksCancel or McpMethods.TasksUpdate => envelope.TaskId,
        _ => default,
    };
}
