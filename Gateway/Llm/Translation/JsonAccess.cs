using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.Gateway.Llm.Requests;

namespace Obot.Gateway.Llm.Translation;

/// <summary>Reads members and refuses by name what is of another kind, or what the other vendor has no words for.</summary>
internal static class JsonAccess
{
    public static string Text(this JsonNode? node, string path) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : throw new LlmRequestException($"'{path}' must be a string.", path);

    public static string? TextOrNull(this JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static JsonObject Object(this JsonNode? node, string path) => node as JsonObject ?? throw new LlmRequestException($"'{path}' must be an object.", path);

    public static JsonArray Array(this JsonNode? node, string path) => node as JsonArray ?? throw new LlmRequestException($"'{path}' must be an array.", path);

    public static double? Number(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? value.GetValue<double>() : null;

    public static long Whole(this JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var number) ? number : 0;

    public static bool? Flag(this JsonNode? node) => node is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    public static LlmRequestException Untranslatable(string path, string to) => new($"'{path}' cannot be translated for a model that is reached by {to}.", path);

    /// <summary>Refuses the first member that is neither translated nor a hint that may be dropped.</summary>
    public static void CheckMembers(JsonObject members, string prefix, string to, IReadOnlySet<string> known)
    {
        foreach (var (name, value) in members)
        {
            if (value is not null && !known.Contains(name))
            {
                throw Untranslatable(prefix + name, to);
            }
        }
    }

    public static JsonObject Parse(ReadOnlySpan<byte> json) =>
        JsonNode.Parse(json, documentOptions: new() { MaxDepth = 256 }) as JsonObject ?? throw new JsonException("Not an object.");
}
