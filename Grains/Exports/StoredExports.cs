using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Exports;

/// <summary>Tables <c>audit_log_exports</c> and <c>scheduled_audit_log_exports</c>; their grains do the work.</summary>
internal sealed class StoredExports(IDbContextFactory<ObotDb> databases, IGrainFactory grains, ExportSchedules schedules, TimeProvider time) : IExports
{
    private const string Kind = "audit-log-exports";

    public async Task<ExportView> Create(Principal caller, NewExport request, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        var now = time.Now();
        var end = request.EndTime?.ToUniversalTime() ?? now;
        var start = request.StartTime?.ToUniversalTime() ?? throw new InvalidInputException("startTime", "Required: from when records are exported (RFC 3339).");
        if (end <= start)
        {
            throw new InvalidInputException("endTime", "Must be after startTime.");
        }

        var row = new ExportRow
        {
            Id = RandomId.New("ae1"),
            Name = ExportRules.Name(request.Name, "Audit log"),
            StorageId = request.StorageCredentialID ?? StoredStorages.Default,
            Filters = JsonSerializer.Serialize(ExportRules.Filters(request.Filters), JsonSerializerOptions.Web),
            KeyPrefix = ExportRules.Prefix(request.KeyPrefix),
            IncludeBodies = ExportRules.Bodies(caller, request.IncludeBodies),
            StartTime = Microseconds(start),
            EndTime = Microseconds(end),
            State = ExportStates.Pending,
            Objects = [],
            CreatedBy = caller.UserId,
            CreatedAt = now,
            UpdatedAt = now,
        };
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await ExportSchedules.CheckStorageAsync(db, row.StorageId, cancellationToken);
        db.Exports.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name, JsonSerializer.Serialize(new { row.IncludeBodies, row.StartTime, row.EndTime, storageCredentialID = row.StorageId }, JsonSerializerOptions.Web));
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<IExportGrain>(row.Id).Run();
        return View(row);
    }

    public async Task<Page<ExportView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        PageCursor.CheckLimit(limit);
        var before = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = db.Exports.AsNoTracking();
        if (before is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt < at || (row.CreatedAt == at && string.Compare(row.Id, id) < 0));
        }

        var rows = await query.OrderByDescending(row => row.CreatedAt).ThenByDescending(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        return new([.. rows.Take(limit).Select(View)], rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null);
    }

    public async Task<ExportView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Exports.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? View(row) : null;
    }

    public async Task<ExportView?> Retry(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        var view = await ChangeAsync(caller, id, "retry", row => row.State is ExportStates.Failed or ExportStates.Cancelled, ExportStates.Pending, "It neither failed nor was cancelled.", cancellationToken);
        if (view is not null)
        {
            await grains.GetGrain<IExportGrain>(id).Run();
        }

        return view;
    }

    public async Task<ExportView?> Cancel(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        var view = await ChangeAsync(caller, id, "cancel", row => row.State is ExportStates.Pending or ExportStates.Running, ExportStates.Cancelled, "It is over already.", cancellationToken);
        if (view is not null)
        {
            await grains.GetGrain<IExportGrain>(id).Stop();
        }

        return view;
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Exports.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return false;
        }

        db.Exports.Remove(row);
        db.NoteChange(time.Now(), caller.UserId, "delete", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<IExportGrain>(id).Stop();
        return true;
    }

    public Task<ExportScheduleView> CreateSchedule(Principal caller, NewExportSchedule request, CancellationToken cancellationToken) => schedules.CreateAsync(caller, request, cancellationToken);

    public Task<IReadOnlyList<ExportScheduleView>> Schedules(Principal caller, CancellationToken cancellationToken) => schedules.ListAsync(caller, cancellationToken);

    public Task<ExportScheduleView?> UpdateSchedule(Principal caller, string id, NewExportSchedule request, CancellationToken cancellationToken) => schedules.UpdateAsync(caller, id, request, cancellationToken);

    public Task<bool> DeleteSchedule(Principal caller, string id, CancellationToken cancellationToken) => schedules.DeleteAsync(caller, id, cancellationToken);

    private async Task<ExportView?> ChangeAsync(Principal caller, string id, string action, Predicate<ExportRow> isRight, string state, string otherwise, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.Exports.FromSql($"SELECT * FROM audit_log_exports WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken) is not { } row)
        {
            return null;
        }

        if (!isRight(row))
        {
            throw new ConflictException(otherwise);
        }

        (row.State, row.Error, row.Attempts, row.UpdatedAt) = (state, null, 0, time.Now());
        db.NoteChange(row.UpdatedAt, caller.UserId, action, Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return View(row);
    }

    private static DateTimeOffset Microseconds(DateTimeOffset at) => at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));

    private static ExportView View(ExportRow row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        StorageCredentialID = row.StorageId,
        ScheduleID = row.ScheduleId,
        Filters = JsonSerializer.Deserialize<ExportFilters>(row.Filters, JsonSerializerOptions.Web)!,
        KeyPrefix = row.KeyPrefix,
        IncludeBodies = row.IncludeBodies,
        StartTime = row.StartTime,
        EndTime = row.EndTime,
        State = row.State,
        Error = row.Error,
        TotalRows = row.TotalRows,
        ExportedRows = row.ExportedRows,
        ExportedBytes = row.ExportedBytes,
        Objects = row.Objects,
        CreatedBy = row.CreatedBy,
        CreatedAt = row.CreatedAt,
        CompletedAt = row.CompletedAt,
    };
}
