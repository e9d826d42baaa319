using System.Text.Json.Nodes;

namespace Obot.Gateway.Llm.Translation;

/// <summary>What a request says, in no vendor's words: what both can express.</summary>
internal sealed class Conversation
{
    public string Model { get; set; } = "";

    public List<string> System { get; } = [];

    public List<Turn> Turns { get; } = [];

    public List<ToolOffer> Tools { get; } = [];

    /// <summary><c>auto</c>, <c>none</c>, <c>required</c>, or the name of a tool behind <c>tool:</c>; null where it was left out.</summary>
    public string? ToolChoice { get; set; }

    public bool? ParallelTools { get; set; }

    public long? MaxTokens { get; set; }

    public double? Temperature { get; set; }

    public double? TopP { get; set; }

    public List<string> Stop { get; } = [];

    public bool Stream { get; set; }

    public bool IncludeUsage { get; set; }

    /// <summary>Stable name of the end user, where the caller gave one.</summary>
    public string? User { get; set; }

    /// <summary>JSON schema that the answer has to follow, and its name.</summary>
    public JsonNode? Schema { get; set; }

    public string? SchemaName { get; set; }

    /// <summary>How hard to think: <c>low</c>, <c>medium</c>, <c>high</c> …; a hint.</summary>
    public string? Effort { get; set; }

    /// <summary>Adds to the last turn where it is the same role's: Anthropic wants them to alternate.</summary>
    public void Add(string role, Part part)
    {
        if (Turns.Count == 0 || Turns[^1].Role != role)
        {
            Turns.Add(new(role, []));
        }

        Turns[^1].Parts.Add(part);
    }
}

/// <param name="Role"><c>user</c> or <c>assistant</c>.</param>
internal sealed record Turn(string Role, List<Part> Parts);

internal abstract record Part;

internal sealed record TextPart(string Text) : Part;

/// <summary>An image, or a file that the model reads: <paramref name="Data"/> is Base64, or an address where <paramref name="MediaType"/> is null.</summary>
/// <param name="FileName">Null for an image.</param>
internal sealed record MediaPart(string? MediaType, string Data, string? FileName = null, string? Detail = null) : Part;

internal sealed record ToolCallPart(string Id, string Name, string Arguments) : Part;

internal sealed record ToolResultPart(string CallId, IReadOnlyList<Part> Content, bool IsError) : Part;

/// <param name="IsFreeText">A custom tool of the Responses API: its input is a text, not an object.</param>
internal sealed record ToolOffer(string Name, string? Description, JsonNode? Schema, bool IsFreeText = false);
