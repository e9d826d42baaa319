using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Audit;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Gateway.Mcp;

/// <summary>
/// The gateway's own refusals. Clients read the era of a server out of a 4xx body, so every one is a JSON-RPC error that carries
/// the request's id.
/// </summary>
internal static class McpError
{
    /// <param name="body">The request's body, if it was read already; its id is repeated.</param>
    public static async Task WriteAsync(HttpContext context, int status, int code, string message, ReadOnlyMemory<byte> body = default)
    {
        if (context.Response.HasStarted)
        {
            // an answer was under way: the only honest end is a broken one
            context.Abort();
            return;
        }

        if (context.Features.Get<AuditedRequest>() is { } audited)
        {
            audited.Refusal = Refusal.Of(message, body.Span);
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await using var writer = new Utf8JsonWriter(context.Response.BodyWriter);
        writer.WriteStartObject();
        writer.WriteString("jsonrpc"u8, "2.0"u8);
        writer.WritePropertyName("id"u8);
        WriteId(writer, body.Span);
        writer.WriteStartObject("error"u8);
        writer.WriteNumber("code"u8, code);
        writer.WriteString("message"u8, message);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    public static Task RefuseAsync(HttpContext context, int status, string message, ReadOnlyMemory<byte> body = default) =>
        WriteAsync(context, status, McpErrorCodes.Refused, message, body);

    /// <summary>The id of the message, or null where there is none to be read.</summary>
    private static void WriteId(Utf8JsonWriter writer, ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                {
                    var isId = reader.ValueTextEquals("id"u8);
                    reader.Read();
                    if (isId && reader.TokenType is (JsonTokenType.Number or JsonTokenType.String))
                    {
                        var token = body.Slice((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));
                        writer.WriteRawValue(token);
                        return;
                    }

                    reader.TrySkip();
                }
            }
        }
        catch (JsonException)
        {
            // JSON-RPC 2.0, section 5: an id that cannot be read is null
        }

        writer.WriteNullValue();
    }
}
