using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Tasks;

namespace Obot.Grains.Tasks;

/// <summary>Keeps nothing of its own: what is due, and what runs, stands in rows. A due time is one row by a unique index, on however many silos it comes.</summary>
[GrainType("task")]
internal sealed class TaskGrain(IDbContextFactory<ObotDb> databases, TaskText texts, TaskRuns runs, TimeProvider time) : Grain, ITaskGrain, IRemindable
{
    private const string ReminderName = "due";
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);
    private IGrainTimer? _due;

    public async Task Refresh()
    {
        if (await AdvanceAsync())
        {
            await this.RegisterOrUpdateReminder(ReminderName, LookAgain, LookAgain);
        }
        else if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }

    public async Task<TaskRunView?> Start(string prompt)
    {
        await using var db = await databases.CreateDbContextAsync();
        if (await FindAsync(db) is not { } task)
        {
            return null;
        }

        await this.RegisterOrUpdateReminder(ReminderName, LookAgain, LookAgain);
        var run = runs.New(task, null, prompt);
        db.TaskRuns.Add(run);
        await db.SaveChangesAsync();
        await runs.BeginAsync(db, task, run);
        return StoredTasks.View(run, TaskRunStatus.Running, null);
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => Refresh();

    /// <summary>Begins what is due, goes on with what was begun, writes down what ended. False when nothing of that will come again.</summary>
    private async Task<bool> AdvanceAsync()
    {
        _due?.Dispose();
        await using var db = await databases.CreateDbContextAsync();
        if (await FindAsync(db) is not { } task)
        {
            return false;
        }

        var isScheduled = await DueAsync(db, task);
        var isOpen = false;
        foreach (var run in await db.TaskRuns.Where(run => run.TaskId == task.Id && (run.Status == nameof(TaskRunStatus.Starting) || run.Status == nameof(TaskRunStatus.Running))).ToListAsync())
        {
            if (run.Status == nameof(TaskRunStatus.Starting))
            {
                await runs.BeginAsync(db, task, run);
            }

            isOpen |= await runs.FollowAsync(db, task, run);
        }

        return isScheduled || isOpen;
    }

    private async Task<bool> DueAsync(ObotDb db, TaskRow task)
    {
        if (task is not { Enabled: true, Schedule: not null, NextDue: { } due })
        {
            return false;
        }

        var now = time.GetUtcNow();
        if (due <= now)
        {
            var parameters = JsonSerializer.Deserialize<List<TaskParameter>>(task.Parameters, JsonSerializerOptions.Web)!;
            var prompt = TaskRules.Fill(texts.OpenPrompt(task.Id, task.Prompt), parameters, new Dictionary<string, string>(StringComparer.Ordinal));
            await AddOnceAsync(db, task, due, prompt);

            // times that passed while nothing ran are not made up for
            due = TaskSchedule.Next(task.Schedule, task.TimeZone, now) ?? DateTimeOffset.MaxValue;
            task.NextDue = due == DateTimeOffset.MaxValue ? null : due;
            await db.SaveChangesAsync();
        }

        // reminders come once a minute; within it, a timer is as exact as the schedule
        if (due - now < LookAgain)
        {
            _due = this.RegisterGrainTimer(Refresh, new GrainTimerCreationOptions { DueTime = due > now ? due - now : TimeSpan.Zero, Period = Timeout.InfiniteTimeSpan });
        }

        return task.NextDue is not null;
    }

    private async Task AddOnceAsync(ObotDb db, TaskRow task, DateTimeOffset due, string prompt)
    {
        if (await db.TaskRuns.AnyAsync(run => run.TaskId == task.Id && run.DueAt == due))
        {
            return;
        }

        await using var own = await databases.CreateDbContextAsync();
        own.TaskRuns.Add(runs.New(task, due, prompt));
        try
        {
            await own.SaveChangesAsync();
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            // another activation, while the cluster changed its mind about where this one lives
        }
    }

    private async Task<TaskRow?> FindAsync(ObotDb db)
    {
        var id = this.GetPrimaryKeyString();
        return await db.Tasks.SingleOrDefaultAsync(row => row.Id == id);
    }
}
