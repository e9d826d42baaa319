using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

internal sealed partial class ConversationGrain
{
    public async Task<bool> Decide(string toolCallId, bool allowed)
    {
        if (_context is not { } context)
        {
            return false;
        }

        var (decided, part) = await ledger.WriteAsync<(bool, (string, MessagePart)?)>(Id, context.Epoch, async (db, row) =>
        {
            if (await db.ConversationParts.SingleOrDefaultAsync(one => one.ConversationId == Id && one.Id == toolCallId) is not { } there
                || there.MessageId != row.RunMessageId
                || text.Open(Id, there.Id, there.Content) is not { Part: ToolCallPart { Status: ToolCallStatus.NeedsApproval or ToolCallStatus.Unknown } call } stored)
            {
                return (false, null);
            }

            call = call with { Status = allowed ? ToolCallStatus.Running : ToolCallStatus.Denied };
            there.Content = text.Seal(Id, stored with { Part = call, IsBegun = false });
            row.RunStatus = nameof(RunStatus.Running);
            return (true, (there.MessageId, call));
        }, CancellationToken.None);
        if (!decided)
        {
            return false;
        }

        context.Feed.Put(part!.Value.Item1, part.Value.Item2);
        await RemindAsync();
        Begin();
        return true;
    }

    public Task<bool> Answer(string questionId, QuestionAnswer answer) =>
        Task.FromResult(_context is { } context && context.Questions.TryRemove(questionId, out var waiting) && waiting.TrySetResult(answer));

    public async Task<IReadOnlyList<ConversationEvent>> Next(long after, TimeSpan patience)
    {
        if (_context is not { } context)
        {
            return [new ConversationRemoved { Offset = after + 1 }];
        }

        if (await context.Feed.NextAsync(after, patience, time) is { } events)
        {
            return events;
        }

        return await SnapshotAsync() is { } snapshot ? [snapshot] : [new ConversationRemoved { Offset = after + 1 }];
    }

    /// <summary>To all who watch: everything as it is now.</summary>
    private async Task ShowAllAsync()
    {
        if (await SnapshotAsync() is { } snapshot)
        {
            _context!.Feed.Put(snapshot);
        }
    }

    private async Task<ConversationSnapshot?> SnapshotAsync()
    {
        var feed = _context!.Feed;
        while (true)
        {
            var shape = feed.Shape;
            await using var db = await databases.CreateDbContextAsync();
            if (await db.Conversations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == Id) is not { } row)
            {
                return null;
            }

            var messages = await branches.ReadAsync(db, Id, row.LeafId, SnapshotMessages, CancellationToken.None);
            if (feed.Snapshot(shape, row.View(text), messages, messages is [{ ParentId: not null }, ..]) is { } snapshot)
            {
                return snapshot;
            }
        }
    }
}
