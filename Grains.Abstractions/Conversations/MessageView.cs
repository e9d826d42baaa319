using System.Text.Json.Serialization;

namespace Obot.Grains.Abstractions.Conversations;

/// <summary>What a person said, or everything of one answer: text, tool calls and questions in the order in which they came.</summary>
[GenerateSerializer, Immutable, Alias("Obot.MessageView")]
public sealed record MessageView
{
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The message before it on its branch; null for the first.</summary>
    [Id(1)]
    public string? ParentId { get; init; }

    [Id(2)]
    public required MessageRole Role { get; init; }

    [Id(3)]
    public required IReadOnlyList<MessagePart> Parts { get; init; }

    [Id(4)]
    public required MessageStatus Status { get; init; }

    /// <summary>Why it failed, and what to do; null when it did not.</summary>
    [Id(5)]
    public string? Error { get; init; }

    /// <summary>Model that answers; null for what a person said.</summary>
    [Id(6)]
    public string? Model { get; init; }

    [Id(7)]
    public MessageUsage? Usage { get; init; }

    /// <summary>User id of who said it.</summary>
    [Id(8)]
    public string? AuthorId { get; init; }

    /// <summary>Ids of the messages at this place of the tree, this one among them, oldest first: more than one is a fork.</summary>
    [Id(9)]
    public required IReadOnlyList<string> Siblings { get; init; }

    [Id(10)]
    public required DateTimeOffset CreatedAt { get; init; }
}

public enum MessageRole
{
    User,
    Assistant,
}

public enum MessageStatus
{
    Running,
    Complete,

    /// <summary>A person stopped it.</summary>
    Stopped,
    Failed,
}

/// <param name="InputTokens">Over all model calls of the answer.</param>
/// <param name="SavedTokens">What offering tools by search instead of by schema saved; 0 where all were offered.</param>
[GenerateSerializer, Immutable, Alias("Obot.MessageUsage")]
public sealed record MessageUsage([property: Id(0)] long InputTokens, [property: Id(1)] long OutputTokens, [property: Id(2)] long SavedTokens = 0);

[GenerateSerializer, Immutable, Alias("Obot.MessagePart")]
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TextPart), "text")]
[JsonDerivedType(typeof(FilePart), "file")]
[JsonDerivedType(typeof(ToolCallPart), "toolCall")]
[JsonDerivedType(typeof(QuestionPart), "question")]
[JsonDerivedType(typeof(NoticePart), "notice")]
public abstract record MessagePart
{
    /// <summary>Unique within the conversation.</summary>
    [Id(0)]
    public required string Id { get; init; }
}

/// <summary>Markdown, untrusted like everything a model says.</summary>
[GenerateSerializer, Immutable, Alias("Obot.TextPart")]
public sealed record TextPart : MessagePart
{
    [Id(0)]
    public required string Text { get; init; }
}

[GenerateSerializer, Immutable, Alias("Obot.FilePart")]
public sealed record FilePart : MessagePart
{
    [Id(0)]
    public required string FileId { get; init; }

    [Id(1)]
    public required string Name { get; init; }

    [Id(2)]
    public required string ContentType { get; init; }

    /// <summary>In bytes.</summary>
    [Id(3)]
    public required long Size { get; init; }
}

/// <summary>A call of a tool, from the model's wish to its result.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ToolCallPart")]
public sealed record ToolCallPart : MessagePart
{
    /// <summary>Server of the tool; null for the platform's own tools.</summary>
    [Id(0)]
    public string? ServerId { get; init; }

    [Id(1)]
    public required string ServerName { get; init; }

    [Id(2)]
    public required string Tool { get; init; }

    /// <summary>JSON object as the model wrote it.</summary>
    [Id(3)]
    public required string Arguments { get; init; }

    [Id(4)]
    public required ToolCallStatus Status { get; init; }

    /// <summary>JSON array of MCP content blocks, capped; null until there is one.</summary>
    [Id(5)]
    public string? Result { get; init; }

    /// <summary>What went wrong; null when nothing did.</summary>
    [Id(6)]
    public string? Error { get; init; }

    [Id(7)]
    public long? DurationMs { get; init; }

    /// <summary>URI (<c>ui://…</c>) of the page that shows the result (MCP Apps); null where there is none.</summary>
    [Id(8)]
    public string? AppUri { get; init; }

    /// <summary>Where a person has to connect an account or open a page before the call can succeed (URL elicitation); null otherwise.</summary>
    [Id(9)]
    public string? OpenUrl { get; init; }
}

public enum ToolCallStatus
{
    /// <summary>Waits for <see cref="IConversations.Decide"/>.</summary>
    NeedsApproval,
    Running,
    Succeeded,
    Failed,

    /// <summary>A person said no.</summary>
    Denied,

    /// <summary>
    /// The silo died while it ran, and nobody knows whether it took effect: it waits for <see cref="IConversations.Decide"/>, where allowing
    /// makes it again. Calls of tools marked idempotent or read-only are made again without asking.
    /// </summary>
    Unknown,

    /// <summary>The run was stopped first.</summary>
    Cancelled,
}

/// <summary>A server asks the person (elicitation), or asks for consent to use the person's model (sampling).</summary>
[GenerateSerializer, Immutable, Alias("Obot.QuestionPart")]
public sealed record QuestionPart : MessagePart
{
    /// <summary><c>form</c>, <c>url</c> or <c>sampling</c>.</summary>
    [Id(0)]
    public required string Kind { get; init; }

    [Id(1)]
    public required string ServerName { get; init; }

    /// <summary>Text of the server, untrusted.</summary>
    [Id(2)]
    public required string Message { get; init; }

    /// <summary>JSON schema of the form; for <c>url</c> and <c>sampling</c> null.</summary>
    [Id(3)]
    public string? Schema { get; init; }

    [Id(4)]
    public string? Url { get; init; }

    /// <summary>The action that was taken; null while it waits.</summary>
    [Id(5)]
    public string? Outcome { get; init; }
}

/// <summary>A word of the platform, e.g. that earlier messages were summarized.</summary>
[GenerateSerializer, Immutable, Alias("Obot.NoticePart")]
public sealed record NoticePart : MessagePart
{
    [Id(0)]
    public required string Text { get; init; }
}
