using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Exports.Targets;

namespace Obot.Grains.Exports;

/// <summary>
/// Writes an export, one object after the other. An object's name is its number: whoever goes on after a crash writes the object again that
/// was not written down, over itself, so no record is there twice.
/// </summary>
internal sealed partial class ExportRun(
    IDbContextFactory<ObotDb> databases, ExportReader reader, ExportTargets targets, IUserDirectory users, IOptions<ExportOptions> options, TimeProvider time, ILogger<ExportRun> logger)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);

    /// <summary>Returns when it is completed, failed, or not ours any more.</summary>
    public async Task RunAsync(string id, CancellationToken cancellationToken)
    {
        LogWorked(id);
        try
        {
            while (await StepAsync(id, cancellationToken) is { } pause)
            {
                await Task.Delay(pause, time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        catch (Exception e) when (e is not ExportTargetException)
        {
            LogFailed(e, id);
            throw;
        }
    }

    /// <returns>How long to wait before the next one; null when it is over.</returns>
    private async Task<TimeSpan?> StepAsync(string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Exports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { State: ExportStates.Pending or ExportStates.Running } row)
        {
            return null;
        }

        if (row.State == ExportStates.Pending)
        {
            row.State = ExportStates.Running;
            row.TotalRows = row.ExportedRows + (row.LastAt is null ? await reader.CountAsync(row, cancellationToken) : row.TotalRows - row.ExportedRows);
            await db.SaveChangesAsync(cancellationToken);
        }

        if (await db.Storages.AsNoTracking().SingleOrDefaultAsync(storage => storage.Id == row.StorageId, cancellationToken) is not { } storage)
        {
            return await EndAsync(db, row, ExportStates.Failed, "The storage that it goes to was removed.", cancellationToken);
        }

        if (row.IncludeBodies && await users.Find(row.CreatedBy, cancellationToken) is not { Auditor: true })
        {
            return await EndAsync(db, row, ExportStates.Failed, "Who asked for it is no auditor any more: bodies are not exported for them.", cancellationToken);
        }

        if (await reader.NextAsync(row, options.Value, cancellationToken) is not { } chunk)
        {
            LogDone(id, row.ExportedRows, row.Objects.Length);
            return await EndAsync(db, row, ExportStates.Completed, null, cancellationToken);
        }

        var key = string.Create(CultureInfo.InvariantCulture, $"{row.KeyPrefix}/{chunk.LastAt.UtcDateTime:yyyy/MM/dd}/{id}-{row.Objects.Length + 1:00000}.jsonl.gz");
        try
        {
            using var target = targets.Open(storage);
            await target.WriteAsync(key, chunk.Content, cancellationToken);
        }
        catch (ExportTargetException e)
        {
            row.Attempts++;
            if (e.IsLasting || row.Attempts >= options.Value.MaxAttempts)
            {
                return await EndAsync(db, row, ExportStates.Failed, e.Message, cancellationToken);
            }

            row.Error = e.Message;
            row.UpdatedAt = time.Now();
            await db.SaveChangesAsync(cancellationToken);
            return FirstPause * Math.Pow(2, Math.Min(row.Attempts, 6));
        }

        return await WriteDownAsync(db, row, chunk, key, cancellationToken) ? TimeSpan.Zero : null;
    }

    /// <summary>False when somebody else wrote an object down in between, or it was cancelled.</summary>
    private async Task<bool> WriteDownAsync(ObotDb db, ExportRow row, ExportChunk chunk, string key, CancellationToken cancellationToken)
    {
        var (id, before, now) = (row.Id, row.Objects.Length, time.Now());
        string[] objects = [.. row.Objects, key];
        return await db.Exports.Where(one => one.Id == id && one.State == ExportStates.Running && one.Objects.Length == before).ExecuteUpdateAsync(
            set => set
                .SetProperty(one => one.Objects, objects)
                .SetProperty(one => one.ExportedRows, one => one.ExportedRows + chunk.Rows)
                .SetProperty(one => one.ExportedBytes, one => one.ExportedBytes + chunk.Content.Length)
                .SetProperty(one => one.LastAt, chunk.LastAt)
                .SetProperty(one => one.LastId, chunk.LastId)
                .SetProperty(one => one.Attempts, 0)
                .SetProperty(one => one.Error, (string?)null)
                .SetProperty(one => one.UpdatedAt, now),
            cancellationToken) == 1;
    }

    private async Task<TimeSpan?> EndAsync(ObotDb db, ExportRow row, string state, string? error, CancellationToken cancellationToken)
    {
        var (id, now, total) = (row.Id, time.Now(), state == ExportStates.Completed ? row.ExportedRows : row.TotalRows);
        var attempts = row.Attempts;
        await db.Exports.Where(one => one.Id == id && one.State == ExportStates.Running).ExecuteUpdateAsync(
            set => set.SetProperty(one => one.State, state).SetProperty(one => one.Error, error).SetProperty(one => one.TotalRows, total).SetProperty(one => one.Attempts, attempts)
                .SetProperty(one => one.UpdatedAt, now).SetProperty(one => one.CompletedAt, state == ExportStates.Completed ? now : null),
            cancellationToken);
        return null;
    }

    [LoggerMessage(LogLevel.Information, "Export {Export} is worked on here")]
    private partial void LogWorked(string export);

    [LoggerMessage(LogLevel.Information, "Export {Export} is complete: {Rows} records in {Objects} objects")]
    private partial void LogDone(string export, long rows, int objects);

    [LoggerMessage(LogLevel.Error, "Export {Export} was interrupted; it goes on within a minute")]
    private partial void LogFailed(Exception exception, string export);
}
