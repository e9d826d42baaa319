using System.Text;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>
/// What happened lately, for those who watch, and the answer that is being made as far as it is. Bounded: whoever is too far behind
/// gets a snapshot. Offsets are (epoch, count), so they grow over activations. Called from grain turns and from the run at once.
/// </summary>
internal sealed class ConversationFeed(long epoch)
{
    private const int MostEvents = 1000;
    private const int MostCharacters = 512 * 1024;

    private readonly Lock _lock = new();
    private readonly Queue<(ConversationEvent Event, int Size)> _recent = new();
    private readonly Dictionary<string, StringBuilder> _texts = new(StringComparer.Ordinal);
    private long _offset = epoch << 32;
    private long _shape;
    private int _size;
    private MessageView? _running;
    private TaskCompletionSource _news = New();

    /// <summary>Changes with everything but words at the end of a text.</summary>
    public long Shape
    {
        get
        {
            lock (_lock)
            {
                return _shape;
            }
        }
    }

    public void Put(MessageView message)
    {
        lock (_lock)
        {
            if (message.Status == MessageStatus.Running)
            {
                _running = message;
                _texts.Clear();
            }
            else if (_running?.Id == message.Id)
            {
                _running = null;
                _texts.Clear();
            }

            Add(new MessageChanged(message) { Offset = 0 }, 2000);
        }
    }

    public void Put(string messageId, MessagePart part)
    {
        lock (_lock)
        {
            if (_running?.Id == messageId)
            {
                _texts.Remove(part.Id);
                var parts = _running.Parts.ToList();
                var at = parts.FindIndex(one => one.Id == part.Id);
                if (at < 0)
                {
                    parts.Add(part);
                }
                else
                {
                    parts[at] = part;
                }

                _running = _running with { Parts = parts };
            }

            Add(new PartChanged(messageId, part) { Offset = 0 }, 500 + (part is ToolCallPart { Result.Length: var length } ? length : 0));
        }
    }

    public void Append(string messageId, string partId, string words)
    {
        lock (_lock)
        {
            if (!_texts.TryGetValue(partId, out var text))
            {
                _texts[partId] = text = new();
            }

            text.Append(words);
            Add(new TextAppended(messageId, partId, words) { Offset = 0 }, words.Length, changesShape: false);
        }
    }

    public void Put(ConversationView conversation)
    {
        lock (_lock)
        {
            Add(new ConversationChanged(conversation) { Offset = 0 }, 200);
        }
    }

    public void Put(ConversationSnapshot snapshot)
    {
        lock (_lock)
        {
            Add(snapshot, 10_000);
        }
    }

    public void Removed()
    {
        lock (_lock)
        {
            Add(new ConversationRemoved { Offset = 0 }, 0);
        }
    }

    /// <summary>The events behind <paramref name="after"/>, if need be after a while; null where only a snapshot can tell.</summary>
    public async Task<IReadOnlyList<ConversationEvent>?> NextAsync(long after, TimeSpan patience, TimeProvider time)
    {
        Task news;
        lock (_lock)
        {
            var oldest = _recent.TryPeek(out var first) ? first.Event.Offset : _offset + 1;
            if (after < oldest - 1 || after > _offset)
            {
                return null;
            }

            if (after < _offset)
            {
                return [.. _recent.Select(one => one.Event).Where(one => one.Offset > after)];
            }

            news = _news.Task;
        }

        try
        {
            await news.WaitAsync(patience, time);
        }
        catch (TimeoutException)
        {
            return [];
        }

        lock (_lock)
        {
            return [.. _recent.Select(one => one.Event).Where(one => one.Offset > after)];
        }
    }

    /// <summary>Brings messages that were read from rows up to now. Null where something else than words came in since <paramref name="shape"/>.</summary>
    public ConversationSnapshot? Snapshot(long shape, ConversationView conversation, IReadOnlyList<MessageView> messages, bool hasEarlier)
    {
        lock (_lock)
        {
            return shape == _shape ? new(conversation, [.. messages.Select(Now)], hasEarlier) { Offset = _offset } : null;
        }
    }

    private MessageView Now(MessageView message) => message.Id != _running?.Id
        ? message
        : message with { Parts = [.. _running.Parts.Select(part => part is TextPart text && _texts.TryGetValue(part.Id, out var words) ? text with { Text = text.Text + words } : part)] };

    private void Add(ConversationEvent item, int size, bool changesShape = true)
    {
        _offset++;
        _shape += changesShape ? 1 : 0;
        _recent.Enqueue((item with { Offset = _offset }, size));
        _size += size;
        while (_recent.Count > MostEvents || (_size > MostCharacters && _recent.Count > 1))
        {
            _size -= _recent.Dequeue().Size;
        }

        var news = _news;
        _news = New();
        news.TrySetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
