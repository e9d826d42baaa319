using Obot.Grains.Abstractions.Conversations;

namespace Obot.Chat.Conversations;

/// <summary>A conversation as an open page knows it: a snapshot and every event since, applied in order.</summary>
internal sealed class ConversationState
{
    private readonly List<MessageView> _messages = [];

    public ConversationView? Conversation { get; private set; }

    /// <summary>Of the last event that was applied; 0 for none.</summary>
    public long Offset { get; private set; }

    /// <summary>The branch in view, oldest first.</summary>
    public IReadOnlyList<MessageView> Messages => _messages;

    public bool HasEarlier { get; private set; }

    public bool Removed { get; private set; }

    public bool IsRunning => Conversation?.Run is RunStatus.Running or RunStatus.Waiting;

    public void Apply(ConversationEvent happened)
    {
        switch (happened)
        {
            case ConversationSnapshot snapshot:
                Conversation = snapshot.Conversation;
                HasEarlier = snapshot.HasEarlier;
                _messages.Clear();
                _messages.AddRange(snapshot.Messages);
                break;
            case ConversationChanged changed:
                Conversation = changed.Conversation;
                break;
            case MessageChanged { Message: var message }:
                Put(message);
                break;
            case PartChanged part:
                Change(part.MessageId, message => message with { Parts = With(message.Parts, part.Part) });
                break;
            case TextAppended text:
                Change(text.MessageId, message => message with { Parts = Appended(message.Parts, text) });
                break;
            case ConversationRemoved:
                Removed = true;
                break;
        }

        Offset = Math.Max(Offset, happened.Offset);
    }

    /// <summary>Puts what was read of the branch in front of what is there.</summary>
    public void ApplyEarlier(IReadOnlyList<MessageView> earlier, bool hasMore)
    {
        _messages.InsertRange(0, earlier.Where(message => _messages.TrueForAll(known => known.Id != message.Id)));
        HasEarlier = hasMore;
    }

    /// <summary>One event for words that came to the same part one after the other: a page draws them once.</summary>
    public static IEnumerable<ConversationEvent> Coalesce(IEnumerable<ConversationEvent> events)
    {
        List<TextAppended> words = [];
        foreach (var happened in events)
        {
            if (happened is TextAppended text)
            {
                if (words.Count > 0 && (words[0].PartId != text.PartId || words[0].MessageId != text.MessageId))
                {
                    yield return Joined(words);
                    words.Clear();
                }

                words.Add(text);
                continue;
            }

            if (words.Count > 0)
            {
                yield return Joined(words);
                words.Clear();
            }

            yield return happened;
        }

        if (words.Count > 0)
        {
            yield return Joined(words);
        }
    }

    private static TextAppended Joined(List<TextAppended> words) =>
        words.Count == 1 ? words[0] : words[^1] with { Text = string.Concat(words.Select(word => word.Text)) };

    private void Put(MessageView message)
    {
        var place = _messages.FindIndex(known => known.Id == message.Id);
        if (place >= 0)
        {
            _messages[place] = message;
            return;
        }

        // another branch begins behind its parent; one whose parent is not in view is none of this page's
        var parent = message.ParentId is null ? -1 : _messages.FindIndex(known => known.Id == message.ParentId);
        if (parent < 0 && message.ParentId is not null && _messages.Count > 0)
        {
            return;
        }

        _messages.RemoveRange(parent + 1, _messages.Count - parent - 1);
        _messages.Add(message);
    }

    private void Change(string messageId, Func<MessageView, MessageView> change)
    {
        // what changes is nearly always the last one
        var place = _messages.FindLastIndex(message => message.Id == messageId);
        if (place >= 0)
        {
            _messages[place] = change(_messages[place]);
        }
    }

    private static List<MessagePart> With(IReadOnlyList<MessagePart> parts, MessagePart part)
    {
        List<MessagePart> changed = [.. parts];
        var place = changed.FindIndex(known => known.Id == part.Id);
        if (place < 0)
        {
            changed.Add(part);
        }
        else
        {
            changed[place] = part;
        }

        return changed;
    }

    private static List<MessagePart> Appended(IReadOnlyList<MessagePart> parts, TextAppended text)
    {
        List<MessagePart> changed = [.. parts];
        var place = changed.FindIndex(known => known.Id == text.PartId);
        if (place < 0)
        {
            changed.Add(new TextPart { Id = text.PartId, Text = text.Text });
        }
        else if (changed[place] is TextPart known)
        {
            changed[place] = known with { Text = known.Text + text.Text };
        }

        return changed;
    }
}
