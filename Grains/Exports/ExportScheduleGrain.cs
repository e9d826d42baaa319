using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Exports;

namespace Obot.Grains.Exports;

/// <summary>Which period is next stands in the schedule's row; an export's id follows from schedule and period, so none is made twice.</summary>
[GrainType("audit-export-schedule")]
internal sealed class ExportScheduleGrain(IDbContextFactory<ObotDb> databases, IOptions<ExportOptions> options, TimeProvider time) : Grain, IExportScheduleGrain, IRemindable
{
    private const string ReminderName = "due";
    private const int MostAtOnce = 50;
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);

    public async Task Refresh()
    {
        if (await DueAsync())
        {
            await this.RegisterOrUpdateReminder(ReminderName, LookAgain, LookAgain);
        }
        else if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Refresh();

    /// <summary>Makes what is due; false when the schedule is gone or off.</summary>
    private async Task<bool> DueAsync()
    {
        var id = this.GetPrimaryKeyString();
        for (var made = 0; made < MostAtOnce; made++)
        {
            await using var db = await databases.CreateDbContextAsync();
            await using var transaction = await db.Database.BeginTransactionAsync();
            if (await db.ExportSchedules.FromSql($"SELECT * FROM scheduled_audit_log_exports WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync() is not { Enabled: true } schedule)
            {
                return false;
            }

            var end = ExportPeriods.Next(schedule.Period, schedule.NextFrom);
            if (end + options.Value.Delay > time.GetUtcNow())
            {
                return true;
            }

            var row = Row(schedule, end, time.Now());
            if (!await db.Exports.AnyAsync(one => one.Id == row.Id))
            {
                db.Exports.Add(row);
            }

            schedule.NextFrom = end;
            await db.SaveChangesAsync();
            await transaction.CommitAsync();
            await GrainFactory.GetGrain<IExportGrain>(row.Id).Run();
        }

        return true;
    }

    private static ExportRow Row(ExportScheduleRow schedule, DateTimeOffset end, DateTimeOffset now) => new()
    {
        Id = "ae1" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{schedule.Id}\n{schedule.NextFrom.UtcTicks}")))[..16],
        Name = $"{schedule.Name} {schedule.NextFrom.UtcDateTime:yyyy-MM-dd HH:mm}",
        StorageId = schedule.StorageId,
        ScheduleId = schedule.Id,
        Filters = schedule.Filters,
        KeyPrefix = schedule.KeyPrefix,
        IncludeBodies = schedule.IncludeBodies,
        StartTime = schedule.NextFrom,
        EndTime = end,
        State = ExportStates.Pending,
        Objects = [],
        CreatedBy = schedule.CreatedBy,
        CreatedAt = now,
        UpdatedAt = now,
    };
}
