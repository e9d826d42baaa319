using System.Text.Json.Serialization;

namespace Obot.Grains.Abstractions.Conversations;

/// <summary>One thing that happened. Whoever applies them in order to a snapshot has what the conversation is.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ConversationEvent")]
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ConversationSnapshot), "snapshot")]
[JsonDerivedType(typeof(MessageChanged), "message")]
[JsonDerivedType(typeof(PartChanged), "part")]
[JsonDerivedType(typeof(TextAppended), "delta")]
[JsonDerivedType(typeof(ConversationChanged), "conversation")]
[JsonDerivedType(typeof(ConversationRemoved), "removed")]
public abstract record ConversationEvent
{
    /// <summary>Grows from event to event, across restarts too; the <c>id</c> of the SSE event.</summary>
    [Id(0)]
    public required long Offset { get; init; }
}

/// <summary>Everything as it is now: replaces what was known. The newest messages of the branch in view, 100 at most.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ConversationSnapshot")]
public sealed record ConversationSnapshot([property: Id(0)] ConversationView Conversation, [property: Id(1)] IReadOnlyList<MessageView> Messages, [property: Id(2)] bool HasEarlier) : ConversationEvent;

/// <summary>A message came, or is to be shown as it is here: status, usage, error and all of its parts.</summary>
[GenerateSerializer, Immutable, Alias("Obot.MessageChanged")]
public sealed record MessageChanged([property: Id(0)] MessageView Message) : ConversationEvent;

/// <summary>A part came (behind the others), or is to be shown as it is here.</summary>
[GenerateSerializer, Immutable, Alias("Obot.PartChanged")]
public sealed record PartChanged([property: Id(0)] string MessageId, [property: Id(1)] MessagePart Part) : ConversationEvent;

/// <summary>Words at the end of a text part that is there.</summary>
[GenerateSerializer, Immutable, Alias("Obot.TextAppended")]
public sealed record TextAppended([property: Id(0)] string MessageId, [property: Id(1)] string PartId, [property: Id(2)] string Text) : ConversationEvent;

/// <summary>Title, model, servers or run status.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ConversationChanged")]
public sealed record ConversationChanged([property: Id(0)] ConversationView Conversation) : ConversationEvent;

[GenerateSerializer, Immutable, Alias("Obot.ConversationRemoved")]
public sealed record ConversationRemoved : ConversationEvent;
