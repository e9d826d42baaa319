using System.Buffers;
using System.Text.Json;

namespace Obot.Shim.Protocol;

/// <summary>Writes JSON-RPC error responses of our own.</summary>
internal static class JsonRpcError
{
    /// <param name="id">Raw token of the request's id; empty writes <c>null</c>.</param>
    /// <param name="code">See <c>McpErrorCodes</c>.</param>
    /// <param name="message">For a person.</param>
    /// <param name="data">Writes the value of <c>data</c>, if there is one.</param>
    public static byte[] Write(ReadOnlySpan<byte> id, int code, string message, Action<Utf8JsonWriter>? data = null)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            writer.WritePropertyName("id"u8);
            if (id.IsEmpty)
            {
                writer.WriteNullValue();
            }
            else
            {
                writer.WriteRawValue(id);
            }

            writer.WriteStartObject("error"u8);
            writer.WriteNumber("code"u8, code);
            writer.WriteString("message"u8, message);
            if (data is not null)
            {
                writer.WritePropertyName("data"u8);
                data(writer);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary><c>data</c> of -32022.</summary>
    public static Action<Utf8JsonWriter> Versions(IEnumerable<string> supported, string? requested) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("supported"u8);
        foreach (var version in supported)
        {
            writer.WriteStringValue(version);
        }

        writer.WriteEndArray();
        if (requested is not null)
        {
            writer.WriteString("requested"u8, requested);
        }

        writer.WriteEndObject();
    };
}
