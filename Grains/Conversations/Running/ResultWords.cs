using System.Text.Json;

namespace Obot.Grains.Conversations.Running;

/// <summary>A tool's result as a model is told it: its words. Pictures and sounds are named and not spelled out in Base64, which would cost a fortune and say nothing.</summary>
internal static class ResultWords
{
    /// <param name="content">JSON array of MCP content blocks; anything else is told as it is.</param>
    public static string Of(string content)
    {
        try
        {
            using var document = JsonDocument.Parse(content);
            return document.RootElement.ValueKind == JsonValueKind.Array ? string.Join("\n", document.RootElement.EnumerateArray().Select(Words)) : content;
        }
        catch (JsonException)
        {
            return content;
        }
    }

    private static string Words(JsonElement block) => Text(block, "type") switch
    {
        "text" => Text(block, "text") ?? "",
        "image" or "audio" => $"[{Text(block, "type")}, {Text(block, "mimeType")}: the person sees it]",
        "resource_link" => $"[{Text(block, "name")}]({Text(block, "uri")})",
        "resource" when block.TryGetProperty("resource", out var resource) => Text(resource, "text") ?? $"[{Text(resource, "uri")}, {Text(resource, "mimeType")}]",
        _ => block.GetRawText(),
    };

    private static string? Text(JsonElement block, string name) =>
        block.ValueKind == JsonValueKind.Object && block.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
