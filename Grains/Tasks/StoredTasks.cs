using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;
using Obot.Grains.Abstractions.Tasks;
using Obot.Grains.Conversations;

namespace Obot.Grains.Tasks;

/// <summary>Tables <c>tasks</c> and <c>task_runs</c>; each task's grain does the work.</summary>
internal sealed class StoredTasks(IDbContextFactory<ObotDb> databases, IProjects projects, TaskText texts, IGrainFactory grains, TimeProvider time) : ITasks
{
    private const string Kind = "tasks";

    public async Task<TaskView> Create(Principal caller, TaskSettings settings, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var row = new TaskRow { Id = RandomId.New("tk1"), ProjectId = "", OwnerId = caller.UserId, Name = "", Prompt = [], Parameters = "[]", Enabled = true, CreatedAt = now, UpdatedAt = now };
        await SetAsync(caller, row, settings, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.Tasks.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<ITaskGrain>(row.Id).Refresh();
        return View(row);
    }

    public async Task<Page<TaskView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = db.Tasks.AsNoTracking().Where(row => row.OwnerId == caller.UserId);
        if (PageCursor.Parse(cursor) is { CreatedAt: var at, Id: var id })
        {
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        return new([.. rows.Take(limit).Select(View)], rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null);
    }

    public async Task<TaskView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await FindAsync(db, caller, id, cancellationToken) is { } row ? View(row) : null;
    }

    public async Task<TaskView?> Update(Principal caller, string id, TaskSettings settings, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await FindAsync(db, caller, id, cancellationToken) is not { } row)
        {
            return null;
        }

        await SetAsync(caller, row, settings, cancellationToken);
        row.UpdatedAt = time.Now();
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<ITaskGrain>(id).Refresh();
        return View(row);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await FindAsync(db, caller, id, cancellationToken) is not { } row)
        {
            return false;
        }

        db.Tasks.Remove(row);
        db.NoteChange(time.Now(), caller.UserId, "delete", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await grains.GetGrain<ITaskGrain>(id).Refresh();
        return true;
    }

    public async Task<TaskRunView?> Run(Principal caller, string id, IReadOnlyDictionary<string, string> parameters, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await FindAsync(db, caller, id, cancellationToken) is { } row
            ? await grains.GetGrain<ITaskGrain>(id).Start(TaskRules.Fill(texts.OpenPrompt(id, row.Prompt), Parameters(row), parameters))
            : null;
    }

    public async Task<Page<TaskRunView>?> Runs(Principal caller, string id, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await FindAsync(db, caller, id, cancellationToken) is null)
        {
            return null;
        }

        var query = db.TaskRuns.AsNoTracking().Where(run => run.TaskId == id);
        if (PageCursor.Parse(cursor) is { CreatedAt: var at, Id: var last })
        {
            query = query.Where(run => run.StartedAt < at || (run.StartedAt == at && string.Compare(run.Id, last) < 0));
        }

        var rows = await query.OrderByDescending(run => run.StartedAt).ThenByDescending(run => run.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var views = new List<TaskRunView>(rows.Count);
        foreach (var row in rows.Take(limit))
        {
            var (status, error) = await TaskRuns.StandAsync(db, row, cancellationToken);
            views.Add(View(row, status, error));
        }

        return new(views, rows.Count > limit ? new PageCursor(rows[limit - 1].StartedAt, rows[limit - 1].Id).ToString() : null);
    }

    public static TaskRunView View(TaskRunRow row, TaskRunStatus status, string? error) => new()
    {
        Id = row.Id,
        TaskId = row.TaskId,
        DueAt = row.DueAt,
        ConversationId = row.ConversationId,
        Status = status,
        Error = error,
        StartedAt = row.StartedAt,
        EndedAt = row.EndedAt,
    };

    private static Task<TaskRow?> FindAsync(ObotDb db, Principal caller, string id, CancellationToken cancellationToken) =>
        db.Tasks.SingleOrDefaultAsync(row => row.Id == id && row.OwnerId == caller.UserId, cancellationToken);

    private async Task SetAsync(Principal caller, TaskRow row, TaskSettings settings, CancellationToken cancellationToken)
    {
        TaskRules.Check(settings);
        var project = settings.ProjectId is { } named
            ? await projects.Find(caller, named, cancellationToken) ?? throw new InvalidInputException("projectId", $"There is no project '{named}'.")
            : await projects.Default(caller, cancellationToken);
        if (project.Access < ProjectAccess.Use)
        {
            throw new NotAllowedException("You may read this project, not run tasks in it: ask its owner for 'use'.");
        }

        (row.ProjectId, row.Name, row.Prompt) = (project.Id, settings.Name.Trim(), texts.SealPrompt(row.Id, settings.Prompt));
        row.Parameters = JsonSerializer.Serialize(settings.Parameters ?? [], JsonSerializerOptions.Web);
        (row.Schedule, row.TimeZone, row.Enabled, row.NotifyUrl) = (settings.Schedule, settings.TimeZone, settings.Enabled, settings.NotifyUrl);
        row.Model = ConversationRules.Model(settings.Model);
        row.Servers = settings.Servers is null ? null : ConversationRules.Servers(settings.Servers);
        row.NextDue = settings.Enabled ? TaskSchedule.Next(settings.Schedule, settings.TimeZone, time.GetUtcNow()) : null;
    }

    private static List<TaskParameter> Parameters(TaskRow row) => JsonSerializer.Deserialize<List<TaskParameter>>(row.Parameters, JsonSerializerOptions.Web)!;

    private TaskView View(TaskRow row) => new()
    {
        Id = row.Id,
        OwnerId = row.OwnerId,
        Settings = new(row.Name, texts.OpenPrompt(row.Id, row.Prompt), row.ProjectId, Parameters(row), row.Schedule, row.TimeZone, row.Model, row.Servers, row.Enabled, row.NotifyUrl),
        NextDue = row.NextDue,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };
}
