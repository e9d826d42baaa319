using Orleans.Concurrency;

namespace Obot.Grains.Abstractions.Conversations;

/// <summary>
/// One conversation (key: its id): the only writer of its messages, and the place where its run lives. What it wrote down is in rows; each
/// activation takes them over by raising their epoch, so that an older one writes nothing any more. Who may call is the port's business.
/// </summary>
public interface IConversationGrain : IGrainWithStringKey
{
    /// <summary>See <see cref="IConversations.Send"/>.</summary>
    [Alias("Send")]
    Task<SentMessage> Send(NewMessage message, string authorId);

    /// <summary>See <see cref="IConversations.Edit"/>.</summary>
    [Alias("Edit")]
    Task<SentMessage> Edit(string messageId, NewMessage message, string authorId);

    /// <summary>See <see cref="IConversations.Regenerate"/>.</summary>
    [Alias("Regenerate")]
    Task<SentMessage> Regenerate(string messageId, string? model);

    /// <summary>See <see cref="IConversations.Show"/>.</summary>
    [Alias("Show")]
    Task<bool> Show(string messageId);

    [Alias("Stop")]
    Task<bool> Stop();

    [Alias("Decide")]
    Task<bool> Decide(string toolCallId, bool allowed);

    [Alias("Answer")]
    Task<bool> Answer(string questionId, QuestionAnswer answer);

    /// <summary>Title, model or servers of the row changed.</summary>
    [Alias("Refresh")]
    Task Refresh();

    /// <summary>Ends the run and tells those who watch; the rows go with their conversation.</summary>
    [Alias("Remove")]
    Task Remove();

    /// <summary>The events behind an offset; waits for the first of them as long as <paramref name="patience"/>, and is empty then.</summary>
    [Alias("Next"), AlwaysInterleave]
    Task<IReadOnlyList<ConversationEvent>> Next(long after, TimeSpan patience);
}

/// <param name="Message">What begins the run; null when there is nothing to begin it on, or a conflict.</param>
/// <param name="Conflict">Why not now.</param>
[GenerateSerializer, Immutable, Alias("Obot.SentMessage")]
public sealed record SentMessage([property: Id(0)] MessageView? Message, [property: Id(1)] string? Conflict)
{
    public static SentMessage None { get; } = new(null, null);
}
