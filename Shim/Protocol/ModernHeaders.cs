using System.Text;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Protocol;

/// <summary>
/// Compares the headers of a modern request with its body (streamable HTTP, revision 2026-07-28: whoever reads the body must
/// refuse a mismatch with -32020).
/// </summary>
internal static class ModernHeaders
{
    private const string EncodedPrefix = "=?base64?";
    private const string EncodedSuffix = "?=";

    /// <summary>Why headers and body do not match, for a person; null when they do.</summary>
    public static string? Mismatch(in JsonRpcEnvelope envelope, ReadOnlySpan<byte> body, string? version, string? method, string? name)
    {
        if (envelope.Kind is not (EnvelopeKind.Request or EnvelopeKind.Notification))
        {
            return null;
        }

        var isRequest = envelope.Kind == EnvelopeKind.Request;
        var bodyVersion = JsonText.Read(body, envelope.ProtocolVersion);
        if ((isRequest || bodyVersion is not null) && !string.Equals(bodyVersion, version, StringComparison.Ordinal))
        {
            return bodyVersion is null
                ? $"{McpHeaders.ProtocolVersion} is {version}, but the request has no _meta[\"io.modelcontextprotocol/protocolVersion\"]"
                : $"{McpHeaders.ProtocolVersion} is {version ?? "absent"}, but the request's _meta says {bodyVersion}";
        }

        if (!string.Equals(method, envelope.Method, StringComparison.Ordinal) && (isRequest || method is not null))
        {
            return $"{McpHeaders.Method} is {method ?? "absent"}, but the method is {envelope.Method}";
        }

        var expected = NameOf(envelope, body);
        if (name is null)
        {
            return expected is not null && isRequest ? $"{McpHeaders.Name} is absent, but the request names {expected}" : null;
        }

        if (!TryDecode(name, out var decoded))
        {
            return $"{McpHeaders.Name} is not valid base64";
        }

        return expected is not null && !string.Equals(decoded, expected, StringComparison.Ordinal)
            ? $"{McpHeaders.Name} is {decoded}, but the request names {expected}"
            : null;
    }

    /// <summary>What <c>Mcp-Name</c> repeats: null for methods which it does not belong to.</summary>
    private static string? NameOf(in JsonRpcEnvelope envelope, ReadOnlySpan<byte> body) => envelope.Method switch
    {
        McpMethods.ToolsCall or McpMethods.PromptsGet => JsonText.Read(body, envelope.Name),
        McpMethods.ResourcesRead => JsonText.Read(body, envelope.Uri),
        { } method when method.StartsWith("tasks/", StringComparison.Ordinal) => JsonText.Read(body, envelope.TaskId),
        _ => null,
    };

    private static bool TryDecode(string value, out string decoded)
    {
        decoded = value;
        if (!value.StartsWith(EncodedPrefix, StringComparison.OrdinalIgnoreCase) || !value.EndsWith(EncodedSuffix, StringComparison.Ordinal)
            || value.Length < EncodedPrefix.Length + EncodedSuffix.Length)
        {
            return true;
        }

        var encoded = value[EncodedPrefix.Length..^EncodedSuffix.Length];
        var bytes = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, bytes, out var written))
        {
            return false;
        }

        decoded = Encoding.UTF8.GetString(bytes, 0, written);
        return true;
    }
}
