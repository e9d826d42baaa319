using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Exports;

/// <summary>Table <c>scheduled_audit_log_exports</c>.</summary>
internal sealed class ExportSchedules(IDbContextFactory<ObotDb> databases, IGrainFactory grains, IOptions<ExportOptions> options, TimeProvider time)
{
    private const string Kind = "scheduled-audit-log-exports";

    public async Task<ExportScheduleView> CreateAsync(Principal caller, NewExportSchedule request, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        var now = time.Now();
        var row = new ExportScheduleRow
        {
            Id = RandomId.New("as1"), Name = "", StorageId = "", Period = "", Filters = "{}", KeyPrefix = "", IncludeBodies = false, Enabled = true, CreatedBy = caller.UserId,
            NextFrom = now, Revision = 1, CreatedAt = now, UpdatedAt = now,
        };
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await FillAsync(db, caller, row, request, cancellationToken);
        row.NextFrom = ExportPeriods.Begin(row.Period, now);
        db.ExportSchedules.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<IExportScheduleGrain>(row.Id).Refresh();
        return View(row);
    }

    public async Task<IReadOnlyList<ExportScheduleView>> ListAsync(Principal caller, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. (await db.ExportSchedules.AsNoTracking().OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).ToListAsync(cancellationToken)).Select(View)];
    }

    public async Task<ExportScheduleView?> UpdateAsync(Principal caller, string id, NewExportSchedule request, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.ExportSchedules.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        var before = row.Period;
        await FillAsync(db, caller, row, request, cancellationToken);
        if (row.Period != before)
        {
            row.NextFrom = ExportPeriods.Begin(row.Period, row.NextFrom);
        }

        // whoever changes it answers for it: what is exported from now on is what they may see
        (row.CreatedBy, row.Revision, row.UpdatedAt) = (caller.UserId, row.Revision + 1, time.Now());
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<IExportScheduleGrain>(id).Refresh();
        return View(row);
    }

    public async Task<bool> DeleteAsync(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.ExportSchedules.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return false;
        }

        db.ExportSchedules.Remove(row);
        db.NoteChange(time.Now(), caller.UserId, "delete", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<IExportScheduleGrain>(id).Refresh();
        return true;
    }

    /// <exception cref="InvalidInputException">There is no such storage.</exception>
    public static async Task CheckStorageAsync(ObotDb db, string id, CancellationToken cancellationToken)
    {
        if (!await db.Storages.AnyAsync(row => row.Id == id, cancellationToken))
        {
            throw new InvalidInputException("storageCredentialID", $"There is no storage '{id}'. GET /api/storage-credentials lists them.");
        }
    }

    private static async Task FillAsync(ObotDb db, Principal caller, ExportScheduleRow row, NewExportSchedule request, CancellationToken cancellationToken)
    {
        row.Period = ExportPeriods.Check(request.Schedule);
        row.Name = ExportRules.Name(request.Name, $"Audit log, {row.Period}");
        row.StorageId = request.StorageCredentialID ?? StoredStorages.Default;
        row.Filters = JsonSerializer.Serialize(ExportRules.Filters(request.Filters), JsonSerializerOptions.Web);
        row.KeyPrefix = ExportRules.Prefix(request.KeyPrefix);
        row.IncludeBodies = ExportRules.Bodies(caller, request.IncludeBodies);
        row.Enabled = request.Enabled ?? true;
        await CheckStorageAsync(db, row.StorageId, cancellationToken);
    }

    private ExportScheduleView View(ExportScheduleRow row) => new(
        row.Id, row.Name, row.StorageId, row.Period, JsonSerializer.Deserialize<ExportFilters>(row.Filters, JsonSerializerOptions.Web)!, row.KeyPrefix, row.IncludeBodies, row.Enabled, row.CreatedBy,
        row.NextFrom, ExportPeriods.Next(row.Period, row.NextFrom) + options.Value.Delay, row.Revision, row.CreatedAt, row.UpdatedAt);
}
