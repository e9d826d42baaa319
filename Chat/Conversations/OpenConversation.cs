using Obot.Chat.Components;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Conversations;

/// <summary>What a page shows of one conversation, and what a person can do in it. Used on the page's own thread only.</summary>
internal sealed class OpenConversation(IConversations conversations, Principal caller, string id, TimeProvider time) : IAsyncDisposable
{
    private const int EarlierAtOnce = 50;
    private readonly CancellationTokenSource _left = new();
    private Task _reading = Task.CompletedTask;

    public string Id => id;

    public Principal Caller => caller;

    public ConversationState State { get; } = new();

    /// <summary>What went wrong with the last action; null when nothing did.</summary>
    public string? Trouble { get; set; }

    /// <summary>The stream of events was lost and is being taken up again.</summary>
    public bool Reconnecting { get; private set; }

    /// <summary>There is no such conversation, or not for the caller.</summary>
    public bool IsMissing { get; private set; }

    public bool CanWrite => State.Conversation?.CanWrite is true;

    public Action? Changed { get; set; }

    /// <param name="dispatch">Brings work onto the page's own thread.</param>
    public void Start(Func<Action, Task> dispatch) => _reading = ReadAsync(dispatch);

    public Task SendAsync(NewMessage message) => ActAsync(async ct => _ = await conversations.Send(caller, id, message, ct));

    public Task StopAsync() => ActAsync(ct => conversations.Stop(caller, id, ct));

    public Task EditAsync(string messageId, string text) => ActAsync(async ct => _ = await conversations.Edit(caller, id, messageId, new(text, FilesOf(messageId), State.Conversation?.Model), ct));

    public Task RegenerateAsync(string messageId, string? model) => ActAsync(ct => conversations.Regenerate(caller, id, messageId, model, ct));

    public Task ShowAsync(string messageId) => ActAsync(ct => conversations.Show(caller, id, messageId, ct));

    public Task DecideAsync(string toolCallId, ToolDecision decision) => ActAsync(ct => conversations.Decide(caller, id, toolCallId, decision, ct));

    public Task AnswerAsync(string questionId, QuestionAnswer answer) => ActAsync(ct => conversations.Answer(caller, id, questionId, answer, ct));

    public Task UpdateAsync(ConversationChange change) => ActAsync(async ct => _ = await conversations.Update(caller, id, change, ct));

    public Task LoadEarlierAsync() => ActAsync(async ct =>
    {
        if (State.Messages is [var first, ..] && await conversations.Messages(caller, id, first.Id, EarlierAtOnce, ct) is { } earlier)
        {
            State.ApplyEarlier(earlier, earlier.Count == EarlierAtOnce);
        }
    });

    private async Task ActAsync(Func<CancellationToken, Task> act)
    {
        try
        {
            await act(_left.Token);
            Trouble = null;
        }
        catch (OperationCanceledException) when (_left.IsCancellationRequested)
        {
            return;
        }
        catch (Exception e)
        {
            Trouble = LivePage.Words(e);
        }

        Changed?.Invoke();
    }

    private async Task ReadAsync(Func<Action, Task> dispatch)
    {
        try
        {
            while (await IsThereAsync() is not true)
            {
                await dispatch(() => Changed?.Invoke());
                if (IsMissing)
                {
                    return;
                }

                await Task.Delay(ConversationFeed.Pace * 10, time, _left.Token);
            }

            await new ConversationFeed(conversations, time).RunAsync(caller, id, events => dispatch(() => Take(events)), _left.Token);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    /// <returns>Null when the platform does not answer.</returns>
    private async Task<bool?> IsThereAsync()
    {
        try
        {
            IsMissing = await conversations.Find(caller, id, _left.Token) is null;
            Reconnecting = false;
            return !IsMissing;
        }
        catch (Exception) when (!_left.IsCancellationRequested)
        {
            Reconnecting = true;
            return null;
        }
    }

    private void Take(IReadOnlyList<ConversationEvent>? events)
    {
        Reconnecting = events is null;
        foreach (var happened in events ?? [])
        {
            State.Apply(happened);
        }

        Changed?.Invoke();
    }

    public async ValueTask DisposeAsync()
    {
        Changed = null;
        await _left.CancelAsync();
        await _reading;
        _left.Dispose();
    }

    /// <summary>Other words, the same attachments.</summary>
    private List<string> FilesOf(string messageId) => [.. State.Messages.Where(message => message.Id == messageId).SelectMany(message => message.Parts).OfType<FilePart>().Select(file => file.FileId)];
}
