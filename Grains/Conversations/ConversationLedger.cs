using Microsoft.EntityFrameworkCore;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>Somebody else took the conversation over; what this activation knows is old.</summary>
internal sealed class ConversationLostException() : Exception("The conversation goes on elsewhere, or was removed.");

/// <summary>
/// Writes of one activation: each in a transaction that holds the conversation's row and finds its own epoch there. Two activations may
/// exist for a moment, but only the younger one writes.
/// </summary>
internal sealed class ConversationLedger(IDbContextFactory<ObotDb> databases, SealedText text, TimeProvider time)
{
    private static readonly TimeSpan DatabasePatience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>Makes the caller the only one who writes. Null when there is no such conversation.</summary>
    public async Task<ConversationRow?> TakeOverAsync(string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.Conversations.FromSql($"UPDATE conversations SET epoch = epoch + 1 WHERE id = {id} RETURNING *").AsNoTracking().ToListAsync(cancellationToken);
        return rows.Count == 0 ? null : rows[0];
    }

    /// <summary>One transaction; <paramref name="change"/> finds the row tracked and locked.</summary>
    /// <exception cref="ConversationLostException">The epoch is not ours any more.</exception>
    public async Task<T> WriteAsync<T>(string id, long epoch, Func<ObotDb, ConversationRow, Task<T>> change, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.Conversations.FromSql($"SELECT * FROM conversations WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken) is not { } row || row.Epoch != epoch)
        {
            throw new ConversationLostException();
        }

        var result = await change(db, row);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return result;
    }

    /// <summary>The same for a run, which outlives a database that is away for a while. <paramref name="change"/> may be called again.</summary>
    public async Task<T> WritePatientlyAsync<T>(string id, long epoch, Func<ObotDb, ConversationRow, Task<T>> change, CancellationToken cancellationToken) =>
        await PatientlyAsync(() => WriteAsync(id, epoch, change, cancellationToken), cancellationToken);

    public async Task<T> ReadPatientlyAsync<T>(Func<ObotDb, Task<T>> read, CancellationToken cancellationToken) => await PatientlyAsync(
        async () =>
        {
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            return await read(db);
        },
        cancellationToken);

    /// <summary>Puts a part into its row, whether or not it is there.</summary>
    public async Task PutAsync(ObotDb db, string conversation, string message, StoredPart part)
    {
        var content = text.Seal(conversation, part);
        if (await db.ConversationParts.SingleOrDefaultAsync(row => row.ConversationId == conversation && row.Id == part.Part.Id) is { } there)
        {
            there.Content = content;
            return;
        }

        // parts of one transaction are added before any of them can be counted
        var pending = db.ConversationParts.Local.Where(row => row.MessageId == message).Select(row => row.Number);
        var written = await db.ConversationParts.Where(row => row.ConversationId == conversation && row.MessageId == message).MaxAsync(row => (long?)row.Number);
        db.ConversationParts.Add(new()
        {
            ConversationId = conversation,
            Id = part.Part.Id,
            MessageId = message,
            Number = pending.Append(written ?? -1).Max() + 1,
            Content = content,
        });
    }

    /// <summary>Ends the run that the row speaks of, with what it has in hand.</summary>
    public async Task EndAsync(ObotDb db, ConversationRow row, MessageStatus status, string? error)
    {
        if (row.RunMessageId is { } running)
        {
            var message = await db.ConversationMessages.SingleAsync(one => one.ConversationId == row.Id && one.Id == running);
            (message.Status, message.Error) = (status.ToString(), error);
            foreach (var part in await db.ConversationParts.Where(one => one.ConversationId == row.Id && one.MessageId == running).ToListAsync())
            {
                var stored = text.Open(row.Id, part.Id, part.Content);
                part.Content = stored.Part switch
                {
                    ToolCallPart { Status: ToolCallStatus.NeedsApproval or ToolCallStatus.Running or ToolCallStatus.Unknown } call => text.Seal(row.Id, stored with { Part = call with { Status = ToolCallStatus.Cancelled } }),
                    QuestionPart { Outcome: null } question => text.Seal(row.Id, stored with { Part = question with { Outcome = "cancel" } }),
                    _ => part.Content,
                };
            }
        }

        (row.RunMessageId, row.RunStatus, row.UpdatedAt) = (null, (status == MessageStatus.Failed ? RunStatus.Failed : RunStatus.Idle).ToString(), time.Now());
    }

    private async Task<T> PatientlyAsync<T>(Func<Task<T>> act, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        for (var pause = TimeSpan.FromMilliseconds(200); ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                return await act();
            }
            catch (Exception e) when (IsAway(e) && time.GetElapsedTime(began) < DatabasePatience && !cancellationToken.IsCancellationRequested)
            {
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    private static bool IsAway(Exception e) =>
        e is NpgsqlException { IsTransient: true } or TimeoutException or IOException || (e is DbUpdateException or InvalidOperationException && e.InnerException is { } inner && IsAway(inner))
        || e is PostgresException { SqlState: PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow };
}
