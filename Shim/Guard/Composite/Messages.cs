using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Guard.Composite;

/// <summary>JSON-RPC messages as a composite reads and writes them.</summary>
internal static class Messages
{
    private const string Meta = "_meta";
    private const string Prefix = "io.modelcontextprotocol/";
    private const int MaxMessageBytes = 64 * 1024 * 1024;

    public static JsonObject Request(JsonNode id, string method, JsonNode? parameters) =>
        new() { ["jsonrpc"] = "2.0", ["id"] = id, ["method"] = method, ["params"] = parameters };

    public static JsonObject Notification(string method, JsonNode? parameters = null)
    {
        var message = new JsonObject { ["jsonrpc"] = "2.0", ["method"] = method };
        if (parameters is not null)
        {
            message["params"] = parameters;
        }

        return message;
    }

    public static JsonObject Result(JsonNode? id, JsonObject result, bool modern)
    {
        if (modern && !result.ContainsKey("resultType"))
        {
            result["resultType"] = "complete";
        }

        return new() { ["jsonrpc"] = "2.0", ["id"] = id?.DeepClone(), ["result"] = result };
    }

    public static JsonObject Error(JsonNode? id, int code, string message) =>
        new() { ["jsonrpc"] = "2.0", ["id"] = id?.DeepClone(), ["error"] = new JsonObject { ["code"] = code, ["message"] = message } };

    /// <summary>A tool's own way to say that it did not work: what a model reads.</summary>
    public static JsonObject ToolFailure(string text) => new()
    {
        ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }),
        ["isError"] = true,
    };

    public static string? Text(this JsonObject? from, string name) => from?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static int? Number(this JsonObject? from, string name) => from?[name] is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    /// <summary>What every request of the modern era carries.</summary>
    public static JsonObject WithModernMeta(JsonObject? parameters, string clientName)
    {
        parameters ??= [];
        if (parameters[Meta] is not JsonObject meta)
        {
            parameters[Meta] = meta = [];
        }

        meta[Prefix + "protocolVersion"] = McpVersions.Modern;
        meta[Prefix + "clientInfo"] ??= ClientInfo(clientName);
        meta[Prefix + "clientCapabilities"] ??= new JsonObject();
        return parameters;
    }

    /// <summary>The other way: what the legacy era does not know.</summary>
    public static JsonObject WithoutModernMeta(JsonObject? parameters)
    {
        parameters ??= [];
        if (parameters[Meta] is JsonObject meta)
        {
            foreach (var name in meta.Select(pair => pair.Key).Where(key => key.StartsWith(Prefix, StringComparison.Ordinal)).ToList())
            {
                meta.Remove(name);
            }

            if (meta.Count == 0)
            {
                parameters.Remove(Meta);
            }
        }

        return parameters;
    }

    public static JsonObject ClientInfo(string name) => new() { ["name"] = name, ["version"] = "1.0.0" };

    public static JsonObject? Parse(ReadOnlySpan<byte> text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The messages of an answer, as they come: one of JSON, any number of an event stream.</summary>
    public static async IAsyncEnumerable<JsonObject> ReadAsync(HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType is "text/event-stream")
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            await foreach (var item in SseParser.Create(stream, (_, data) => Parse(data)).EnumerateAsync(cancellationToken))
            {
                if (item.Data is { } message)
                {
                    yield return message;
                }
            }

            yield break;
        }

        if (response.Content.Headers.ContentLength > MaxMessageBytes)
        {
            yield break;
        }

        if (Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken)) is { } only)
        {
            yield return only;
        }
    }

    public static byte[] Event(JsonObject message) => Encoding.UTF8.GetBytes($"event: message\ndata: {message.ToJsonString()}\n\n");
}
