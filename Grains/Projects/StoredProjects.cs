using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;
using Obot.Grains.Conversations;

namespace Obot.Grains.Projects;

/// <summary>Tables <c>projects</c>, <c>project_members</c> and <c>tool_approvals</c>.</summary>
internal sealed class StoredProjects(IDbContextFactory<ObotDb> databases, SealedText text, IGrainFactory grains, TimeProvider time) : IProjects
{
    private const string Kind = "projects";

    public async Task<ProjectView> Default(Principal caller, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var (id, now) = (RandomId.New("pr1"), time.Now());

        // of two first visits at once, one makes it
        await db.Database.ExecuteSqlAsync($"""
            INSERT INTO projects (id, owner_id, is_default, is_template, name, servers, created_at, updated_at)
            VALUES ({id}, {caller.UserId}, true, false, 'My chats', ARRAY[]::text[], {now}, {now}) ON CONFLICT DO NOTHING
            """, cancellationToken);
        return View(await db.Projects.AsNoTracking().SingleAsync(row => row.OwnerId == caller.UserId && row.IsDefault, cancellationToken), ProjectAccess.Owner);
    }

    public async Task<ProjectView> Create(Principal caller, ProjectSettings settings, CancellationToken cancellationToken)
    {
        ProjectRules.Check(settings);
        var now = time.Now();
        var row = new ProjectRow { Id = RandomId.New("pr1"), OwnerId = caller.UserId, IsDefault = false, IsTemplate = false, Name = "", Servers = [], CreatedAt = now, UpdatedAt = now };
        Set(row, settings);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.Projects.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return View(row, ProjectAccess.Owner);
    }

    public async Task<Page<ProjectView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = ProjectDoor.Visible(db, caller).AsNoTracking();
        if (PageCursor.Parse(cursor) is { CreatedAt: var at, Id: var id })
        {
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var views = new List<ProjectView>(rows.Count);
        foreach (var row in rows.Take(limit))
        {
            views.Add(View(row, (await ProjectDoor.AccessAsync(db, caller, row, cancellationToken))!.Value));
        }

        return new(views, rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null);
    }

    public async Task<ProjectView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await OpenAsync(db, caller, id, cancellationToken) is var (row, access) ? View(row, access) : null;
    }

    public async Task<ProjectView?> Update(Principal caller, string id, ProjectSettings settings, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await OpenAsync(db, caller, id, cancellationToken) is not var (row, access))
        {
            return null;
        }

        Need(access, ProjectAccess.Edit, "Changing this project is for its owner and for members with 'edit'.");
        ProjectRules.Check(settings);
        Set(row, settings);
        row.UpdatedAt = time.Now();
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return View(row, access);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await OpenAsync(db, caller, id, cancellationToken) is not var (row, access))
        {
            return false;
        }

        Need(access, ProjectAccess.Owner, "Removing this project is for its owner.");
        var conversations = await db.Conversations.Where(one => one.ProjectId == id).Select(one => one.Id).ToListAsync(cancellationToken);
        if (row.IsDefault)
        {
            await db.Conversations.Where(one => one.ProjectId == id).ExecuteDeleteAsync(cancellationToken);
        }
        else
        {
            db.Projects.Remove(row);
        }

        db.NoteChange(time.Now(), caller.UserId, "delete", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        foreach (var conversation in conversations)
        {
            await grains.GetGrain<IConversationGrain>(conversation).Remove();
        }

        return true;
    }

    public async Task<IReadOnlyList<ProjectMember>?> Members(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await OpenAsync(db, caller, id, cancellationToken) is var (row, _) ? await MembersAsync(db, id, cancellationToken) : null;
    }

    public async Task<IReadOnlyList<ProjectMember>?> Share(Principal caller, string id, IReadOnlyList<ProjectMember> members, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await OpenAsync(db, caller, id, cancellationToken) is not var (row, access))
        {
            return null;
        }

        Need(access, ProjectAccess.Owner, "Who else may use this project is for its owner to say.");
        await ProjectRules.CheckAsync(db, row, members, cancellationToken);
        db.ProjectMembers.RemoveRange(await db.ProjectMembers.Where(member => member.ProjectId == id).ToListAsync(cancellationToken));
        await db.SaveChangesAsync(cancellationToken);
        db.ProjectMembers.AddRange(members.Select(member => new ProjectMemberRow { ProjectId = id, UserId = member.UserId, Access = member.Access.ToString() }));
        db.NoteChange(time.Now(), caller.UserId, "share", Kind, id, row.Name, JsonSerializer.Serialize(members.Select(member => new { member.UserId, access = member.Access.ToString() }), JsonSerializerOptions.Web));
        await db.SaveChangesAsync(cancellationToken);
        return await MembersAsync(db, id, cancellationToken);
    }

    public async Task<ProjectView?> Copy(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await OpenAsync(db, caller, id, cancellationToken) is not var (row, access))
        {
            return null;
        }

        return row.IsTemplate || access == ProjectAccess.Owner
            ? await Create(caller, Settings(row) with { IsTemplate = false }, cancellationToken)
            : throw new NotAllowedException("Only templates are copied: ask the owner to make it one.");
    }

    public async Task<IReadOnlyDictionary<string, string>?> Approvals(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await OpenAsync(db, caller, id, cancellationToken) is var (row, _)
            ? await db.ToolApprovals.AsNoTracking().Where(one => one.ProjectId == id && one.UserId == caller.UserId).ToDictionaryAsync(one => one.Tool, one => one.Approval, StringComparer.Ordinal, cancellationToken)
            : null;
    }

    public async Task<bool> SetApproval(Principal caller, string id, string tool, string? approval, CancellationToken cancellationToken)
    {
        ProjectRules.CheckApproval(tool, approval);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await OpenAsync(db, caller, id, cancellationToken) is not var (_, _))
        {
            return false;
        }

        if (approval is null)
        {
            await db.ToolApprovals.Where(one => one.ProjectId == id && one.UserId == caller.UserId && one.Tool == tool).ExecuteDeleteAsync(cancellationToken);
        }
        else
        {
            await db.Database.ExecuteSqlAsync($"""
                INSERT INTO tool_approvals (project_id, user_id, tool, approval) VALUES ({id}, {caller.UserId}, {tool}, {approval})
                ON CONFLICT (project_id, user_id, tool) DO UPDATE SET approval = excluded.approval
                """, cancellationToken);
        }

        return true;
    }

    private static async Task<(ProjectRow Row, ProjectAccess Access)?> OpenAsync(ObotDb db, Principal caller, string id, CancellationToken cancellationToken) =>
        await db.Projects.SingleOrDefaultAsync(one => one.Id == id, cancellationToken) is { } row && await ProjectDoor.AccessAsync(db, caller, row, cancellationToken) is { } access
            ? (row, access)
            : null;

    private static void Need(ProjectAccess has, ProjectAccess needed, string otherwise)
    {
        if (has < needed)
        {
            throw new NotAllowedException(otherwise);
        }
    }

    private static async Task<IReadOnlyList<ProjectMember>> MembersAsync(ObotDb db, string id, CancellationToken cancellationToken) =>
        [.. (await db.ProjectMembers.AsNoTracking().Where(member => member.ProjectId == id).OrderBy(member => member.UserId).ToListAsync(cancellationToken))
            .Select(member => new ProjectMember(member.UserId, Enum.Parse<ProjectAccess>(member.Access)))];

    private void Set(ProjectRow row, ProjectSettings settings)
    {
        (row.Name, row.Description, row.Model, row.IsTemplate) = (settings.Name.Trim(), settings.Description, settings.Model, settings.IsTemplate);
        row.Servers = [.. settings.Servers?.Distinct(StringComparer.Ordinal) ?? []];
        row.Instructions = text.SealInstructions(row.Id, settings.Instructions);
    }

    private ProjectSettings Settings(ProjectRow row) => new(row.Name, row.Description, text.OpenInstructions(row.Id, row.Instructions), row.Model, row.Servers, row.IsTemplate);

    private ProjectView View(ProjectRow row, ProjectAccess access) => new()
    {
        Id = row.Id,
        OwnerId = row.OwnerId,
        Settings = Settings(row),
        Access = access,
        IsDefault = row.IsDefault,
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };
}
