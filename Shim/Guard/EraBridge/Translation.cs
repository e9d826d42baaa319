using System.Buffers;
using System.Text.Json;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.EraBridge;

/// <summary>Messages from one era to the other. What is not the protocol's is copied as it was written.</summary>
internal static class Translation
{
    private const string MetaPrefix = "io.modelcontextprotocol/";

    /// <summary>A modern request as a legacy server takes it, under another id.</summary>
    public static byte[] ToLegacy(JsonElement request, long id, bool hasProgressToken)
    {
        return Write(writer =>
        {
            Begin(writer, id);
            writer.WriteString("method"u8, request.GetProperty("method").GetString());
            if (!request.TryGetProperty("params", out var parameters) || parameters.ValueKind is not JsonValueKind.Object)
            {
                return;
            }

            writer.WriteStartObject("params"u8);
            foreach (var member in parameters.EnumerateObject())
            {
                if (member.NameEquals("_meta") && member.Value.ValueKind is JsonValueKind.Object)
                {
                    WriteMeta(writer, member.Value, hasProgressToken ? id : null);
                }
                else if (!member.NameEquals("requestState") && !member.NameEquals("inputResponses"))
                {
                    member.WriteTo(writer);
                }
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>A legacy response as the modern client takes it, under the client's own id.</summary>
    public static byte[] ToModern(JsonElement response, ReadOnlyMemory<byte> id, string? method)
    {
        return Write(writer =>
        {
            Begin(writer, id);
            if (response.TryGetProperty("error", out var error))
            {
                writer.WritePropertyName("error"u8);
                WriteError(writer, error, method);
                return;
            }

            var result = response.GetProperty("result");
            writer.WriteStartObject("result"u8);
            var isList = method is "tools/list" or "prompts/list" or "resources/list" or "resources/templates/list" or "resources/read";
            WriteUnless(result, "resultType", () => writer.WriteString("resultType"u8, "complete"u8));
            if (isList)
            {
                WriteUnless(result, "ttlMs", () => writer.WriteNumber("ttlMs"u8, 0));
                WriteUnless(result, "cacheScope", () => writer.WriteString("cacheScope"u8, "private"u8));
            }

            Copy(writer, result);
            writer.WriteEndObject();
        });
    }

    /// <summary><c>initialize</c>'s result as that of <c>server/discover</c>.</summary>
    public static byte[] Discovered(JsonElement initialized, ReadOnlyMemory<byte> id)
    {
        return Write(writer =>
        {
            Begin(writer, id);
            writer.WriteStartObject("result"u8);
            writer.WriteString("resultType"u8, "complete"u8);
            writer.WriteNumber("ttlMs"u8, 0);
            writer.WriteString("cacheScope"u8, "private"u8);
            writer.WriteStartArray("supportedVersions"u8);
            writer.WriteStringValue(McpVersions.Modern);
            writer.WriteEndArray();
            WriteUnless(initialized, "capabilities", () => writer.WriteStartObject("capabilities"u8), () => writer.WriteEndObject());
            foreach (var name in (ReadOnlySpan<string>)["capabilities", "serverInfo", "instructions"])
            {
                if (initialized.TryGetProperty(name, out var value))
                {
                    writer.WritePropertyName(name);
                    value.WriteTo(writer);
                }
            }

            if (initialized.TryGetProperty("serverInfo", out var info))
            {
                writer.WriteStartObject("_meta"u8);
                writer.WritePropertyName(MetaPrefix + "serverInfo");
                info.WriteTo(writer);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        });
    }

    /// <summary>A question of the server as a result of the call that it was asked in.</summary>
    public static byte[] InputRequired(JsonElement question, ReadOnlyMemory<byte> id, string key, string state)
    {
        return Write(writer =>
        {
            Begin(writer, id);
            writer.WriteStartObject("result"u8);
            writer.WriteString("resultType"u8, "input_required"u8);
            writer.WriteStartObject("inputRequests"u8);
            writer.WriteStartObject(key);
            writer.WriteString("method"u8, question.GetProperty("method").GetString());
            writer.WritePropertyName("params"u8);
            if (question.TryGetProperty("params", out var parameters))
            {
                parameters.WriteTo(writer);
            }
            else
            {
                writer.WriteStartObject();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
            writer.WriteString("requestState"u8, state);
            writer.WriteEndObject();
        });
    }

    /// <summary>What the client answered, as the response that the server waits for.</summary>
    public static byte[] Response(ReadOnlyMemory<byte> id, JsonElement result)
    {
        return Write(writer =>
        {
            Begin(writer, id);
            writer.WritePropertyName("result"u8);
            result.WriteTo(writer);
        });
    }

    /// <summary>A notification for a <c>subscriptions/listen</c> stream.</summary>
    public static byte[] Subscribed(string method, JsonElement parameters, ReadOnlyMemory<byte> subscription)
    {
        return Write(writer =>
        {
            writer.WriteString("jsonrpc"u8, "2.0"u8);
            writer.WriteString("method"u8, method);
            writer.WriteStartObject("params"u8);
            if (parameters.ValueKind is JsonValueKind.Object)
            {
                foreach (var member in parameters.EnumerateObject().Where(member => !member.NameEquals("_meta")))
                {
                    member.WriteTo(writer);
                }
            }

            writer.WriteStartObject("_meta"u8);
            writer.WritePropertyName(MetaPrefix + "subscriptionId");
            writer.WriteRawValue(subscription.Span);
            writer.WriteEndObject();
            writer.WriteEndObject();
        });
    }

    private static void WriteMeta(Utf8JsonWriter writer, JsonElement meta, long? progressToken)
    {
        writer.WriteStartObject("_meta"u8);
        foreach (var member in meta.EnumerateObject())
        {
            if (member.NameEquals("progressToken") && progressToken is { } token)
            {
                writer.WriteNumber("progressToken"u8, token);
            }
            else if (!member.Name.StartsWith(MetaPrefix, StringComparison.Ordinal))
            {
                member.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    /// <summary>-32002 was the code of a resource that is not there; now that is a wrong parameter.</summary>
    private static void WriteError(Utf8JsonWriter writer, JsonElement error, string? method)
    {
        if (method is not "resources/read" || error.ValueKind is not JsonValueKind.Object || !error.TryGetProperty("code", out var code) || !code.TryGetInt32(out var number) || number != -32002)
        {
            error.WriteTo(writer);
            return;
        }

        writer.WriteStartObject();
        foreach (var member in error.EnumerateObject())
        {
            if (member.NameEquals("code"))
            {
                writer.WriteNumber("code"u8, McpErrorCodes.InvalidParams);
            }
            else
            {
                member.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteUnless(JsonElement value, string name, params ReadOnlySpan<Action> otherwise)
    {
        if (value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out _))
        {
            return;
        }

        foreach (var action in otherwise)
        {
            action();
        }
    }

    private static void Copy(Utf8JsonWriter writer, JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Object)
        {
            foreach (var member in value.EnumerateObject())
            {
                member.WriteTo(writer);
            }
        }
    }

    private static void Begin(Utf8JsonWriter writer, long id)
    {
        writer.WriteString("jsonrpc"u8, "2.0"u8);
        writer.WriteNumber("id"u8, id);
    }

    private static void Begin(Utf8JsonWriter writer, ReadOnlyMemory<byte> id)
    {
        writer.WriteString("jsonrpc"u8, "2.0"u8);
        writer.WritePropertyName("id"u8);
        writer.WriteRawValue(id.Span);
    }

    private static byte[] Write(Action<Utf8JsonWriter> content)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, new() { MaxDepth = EnvelopeReader.MaxDepth, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            content(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
