using System.Buffers;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Filters;

/// <summary>How a blocked call is told: a tool's caller gets a tool error, which clients show to people and models; everybody else a JSON-RPC error.</summary>
internal static class FilterRefusal
{
    public static byte[] Write(ReadOnlySpan<byte> id, string? method, bool modern, string reason)
    {
        if (method is not McpMethods.ToolsCall)
        {
            return JsonRpcError.Write(id, McpErrorCodes.Refused, reason);
        }

        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            writer.WritePropertyName("id"u8);
            writer.WriteRawValue(id);
            writer.WriteStartObject("result"u8);
            if (modern)
            {
                writer.WriteString("resultType"u8, "complete"u8);
            }

            writer.WriteStartArray("content"u8);
            writer.WriteStartObject();
            writer.WriteString("type"u8, "text"u8);
            writer.WriteString("text"u8, reason);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteBoolean("isError"u8, value: true);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
