using System.Buffers.Text;
using System.Text.Json;
using Obot.Chat.Conversations.Markdown;

namespace Obot.Chat.Conversations.ToolCalls;

/// <summary>One block of a tool's result, as much of it as a page shows. Everything in it is a stranger's.</summary>
internal abstract record ToolContent
{
    private const int MaxText = 20_000;
    private const int MaxImage = 4 * 1024 * 1024;

    public sealed record Text(string Value, bool IsCut) : ToolContent;

    /// <param name="Source">A <c>data:</c> URL whose bytes are what its type says.</param>
    public sealed record Image(string Source) : ToolContent;

    /// <param name="Address">Where it can be opened; null where a browser cannot or should not.</param>
    public sealed record Resource(string Name, string Uri, Uri? Address) : ToolContent;

    public sealed record Note(string Words) : ToolContent;

    /// <param name="json">JSON array of MCP content blocks; whatever else it is, is shown as text.</param>
    public static IReadOnlyList<ToolContent> Read(string? json)
    {
        if (string.IsNullOrWhiteSpace(json))
        {
            return [];
        }

        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind is JsonValueKind.Array ? [.. document.RootElement.EnumerateArray().Select(Of)] : [Cut(json)];
        }
        catch (JsonException)
        {
            return [Cut(json)];
        }
    }

    private static ToolContent Of(JsonElement block) => Word(block, "type") switch
    {
        "text" => Cut(Word(block, "text") ?? ""),
        "image" => Picture(Word(block, "mimeType"), Word(block, "data")),
        "audio" => new Note($"Sound ({Word(block, "mimeType") ?? "unknown type"}), which this page does not play."),
        "resource_link" => Link(Word(block, "title") ?? Word(block, "name"), Word(block, "uri") ?? ""),
        "resource" when block.TryGetProperty("resource", out var resource) && resource.ValueKind is JsonValueKind.Object =>
            Word(resource, "text") is { } text ? Cut(text) : Link(null, Word(resource, "uri") ?? ""),
        _ => Cut(block.GetRawText()),
    };

    private static Text Cut(string text) => text.Length > MaxText ? new(text[..MaxText], true) : new(text, false);

    private static Resource Link(string? name, string uri) => new(name ?? uri, uri, SafeLink.IsPage(uri, out var address) ? address : null);

    private static ToolContent Picture(string? type, string? data)
    {
        if (data is null || data.Length > MaxImage || !Base64.IsValid(data))
        {
            return new Note("A picture that is broken or too large to be shown.");
        }

        var head = Convert.FromBase64String(data.Length > 64 ? data[..64] : data);
        return ImageTypes.Of(head) is { } real ? new Image($"data:{real};base64,{data}") : new Note($"A picture that is not what it says ({type ?? "no type"}); it is not shown.");
    }

    private static string? Word(JsonElement element, string name) =>
        element.ValueKind is JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}

/// <summary>Kinds of pictures by their first bytes. SVG is none of them: it can hold scripts and addresses.</summary>
internal static class ImageTypes
{
    public static string? Of(ReadOnlySpan<byte> head) =>
        head.StartsWith<byte>([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : head.StartsWith<byte>([0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : head.StartsWith("GIF87a"u8) || head.StartsWith("GIF89a"u8) ? "image/gif"
        : head.Length >= 12 && head.StartsWith("RIFF"u8) && head[8..12].SequenceEqual("WEBP"u8) ? "image/webp"
        : null;
}
