using System.Buffers;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Guard.Exchange.Links;

/// <summary>What the guard itself says to a client about a link. Nothing of it comes from the server.</summary>
internal static class LinkMessages
{
    /// <summary>Key of the one question in <c>inputRequests</c>.</summary>
    public const string Key = "obot-link";

    /// <summary><c>elicitation/create</c> in URL mode (revision 2025-11-25).</summary>
    public static byte[] Question(string id, string url, string message) => Write(writer =>
    {
        writer.WriteString("id"u8, id);
        writer.WriteString("method"u8, "elicitation/create"u8);
        writer.WriteStartObject("params"u8);
        WriteParams(writer, url, message);
        writer.WriteString("elicitationId"u8, id);
        writer.WriteEndObject();
    });

    /// <summary><c>notifications/elicitation/complete</c>.</summary>
    public static byte[] Complete(string id) => Write(writer =>
    {
        writer.WriteString("method"u8, "notifications/elicitation/complete"u8);
        writer.WriteStartObject("params"u8);
        writer.WriteString("elicitationId"u8, id);
        writer.WriteEndObject();
    });

    /// <summary><c>input_required</c> (revision 2026-07-28); without a link the client just comes again.</summary>
    public static byte[] InputRequired(ReadOnlyMemory<byte> id, string state, string? url, string message) => Write(writer =>
    {
        writer.WritePropertyName("id"u8);
        writer.WriteRawValue(id.Span);
        writer.WriteStartObject("result"u8);
        writer.WriteString("resultType"u8, "input_required"u8);
        if (url is not null)
        {
            writer.WriteStartObject("inputRequests"u8);
            writer.WriteStartObject(Key);
            writer.WriteString("method"u8, "elicitation/create"u8);
            writer.WriteStartObject("params"u8);
            WriteParams(writer, url, message);
            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteString("requestState"u8, state);
        writer.WriteEndObject();
    });

    /// <summary>The answer to <c>initialize</c> in the place of a server that cannot be asked yet. What it cannot do after all, it says then.</summary>
    public static byte[] Promise(ReadOnlyMemory<byte> id, string hello, string url, string message) => Write(writer =>
    {
        using var parsed = JsonDocument.Parse(hello);
        var wanted = ClientLinks.Find(parsed.RootElement, "protocolVersion") is { ValueKind: JsonValueKind.String } version ? version.GetString() : null;
        writer.WritePropertyName("id"u8);
        writer.WriteRawValue(id.Span);
        writer.WriteStartObject("result"u8);
        writer.WriteString("protocolVersion"u8, wanted is not null && McpVersions.Legacy.Contains(wanted, StringComparer.Ordinal) ? wanted : McpVersions.LatestLegacy);
        writer.WriteStartObject("capabilities"u8);
        foreach (var name in (ReadOnlySpan<string>)["tools", "prompts", "resources"])
        {
            writer.WriteStartObject(name);
            writer.WriteBoolean("listChanged"u8, value: true);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteStartObject("serverInfo"u8);
        writer.WriteString("name"u8, "obot"u8);
        writer.WriteString("version"u8, "1"u8);
        writer.WriteEndObject();
        writer.WriteString("instructions"u8, $"{message}: {url}");
        writer.WriteEndObject();
    });

    private static void WriteParams(Utf8JsonWriter writer, string url, string message)
    {
        writer.WriteString("mode"u8, "url"u8);
        writer.WriteString("message"u8, message);
        writer.WriteString("url"u8, url);
    }

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            content(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
