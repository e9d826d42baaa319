using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Policies;

/// <summary>Rules in table <c>access_control_rules</c>; every change is announced in its transaction.</summary>
internal sealed class StoredAccessRules(IDbContextFactory<ObotDb> databases, TimeProvider time) : IAccessRules
{
    private const string Kind = "access-control-rules";

    public async Task<AccessRuleView> Create(Principal caller, NewAccessRule request, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var reach = await RuleReach.OfAsync(db, caller, cancellationToken);
        var row = New(caller);
        await CheckAsync(db, reach, row, request, null, cancellationToken);
        if (await db.AccessRules.CountAsync(cancellationToken) >= AccessRuleLimits.MaxRules)
        {
            throw new ConflictException($"There are {AccessRuleLimits.MaxRules} access rules already. Delete some, or name more subjects in one rule.");
        }

        db.AccessRules.Add(row);
        db.NoteChange(row.CreatedAt, caller.UserId, "create", Kind, row.Id, row.DisplayName);
        await SaveAsync(db, row.Id, cancellationToken);
        return RuleMapping.View(row);
    }

    public async Task<Page<AccessRuleView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = (await RuleReach.OfAsync(db, caller, cancellationToken)).Of(db.AccessRules.AsNoTracking());
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new([.. rows.Take(limit).Select(RuleMapping.View)], next);
    }

    public async Task<AccessRuleView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var reach = await RuleReach.OfAsync(db, caller, cancellationToken);
        return await reach.Of(db.AccessRules.AsNoTracking()).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? RuleMapping.View(row) : null;
    }

    public async Task<AccessRuleView?> Update(Principal caller, string id, NewAccessRule request, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var reach = await RuleReach.OfAsync(db, caller, cancellationToken);
        if (await reach.Of(db.AccessRules).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        await CheckAsync(db, reach, row, request, row, cancellationToken);
        row.Revision++;
        row.UpdatedAt = time.Now();
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.DisplayName);
        try
        {
            await SaveAsync(db, id, cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Access rule '{id}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        return RuleMapping.View(row);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var reach = await RuleReach.OfAsync(db, caller, cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await reach.Of(db.AccessRules.AsNoTracking()).Where(row => row.Id == id).Select(row => row.DisplayName).SingleOrDefaultAsync(cancellationToken) is not { } name
            || await db.AccessRules.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.WriteChangeAsync(time.Now(), caller.UserId, "delete", Kind, id, name, null, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.AccessRule, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<RuleChoices> Choices(Principal caller, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var reach = await RuleReach.OfAsync(db, caller, cancellationToken);
        var servers = db.Servers.AsNoTracking();
        if (reach.ServerIds is { } ids)
        {
            servers = servers.Where(row => ids.Contains(row.Id));
        }

        return new(
            await db.Users.OrderBy(row => row.Name).Take(AccessRuleLimits.MaxNames).Select(row => new RuleChoice(row.Id, row.Name)).ToListAsync(cancellationToken),
            await db.Groups.OrderBy(row => row.Name).Take(AccessRuleLimits.MaxNames).Select(row => new RuleChoice(row.Id, row.Name)).ToListAsync(cancellationToken),
            await servers.OrderBy(row => row.Name).Take(AccessRuleLimits.MaxNames).Select(row => new RuleChoice(row.Id, row.Name)).ToListAsync(cancellationToken),
            reach.ServerIds is null)
        {
            Entries = reach.ServerIds is not null ? []
                : await db.CatalogEntries.Where(row => row.RemovedAt == null).OrderBy(row => row.Name).Take(AccessRuleLimits.MaxNames).Select(row => new RuleChoice(row.Id, row.Name)).ToListAsync(cancellationToken),
            Catalogs = reach.ServerIds is not null ? []
                : await db.Catalogs.OrderBy(row => row.DisplayName).Take(AccessRuleLimits.MaxNames).Select(row => new RuleChoice(row.Id, row.DisplayName)).ToListAsync(cancellationToken),
        };
    }

    private AccessRuleRow New(Principal caller)
    {
        var now = time.Now();
        return new()
        {
            Id = RandomId.New("ar1"),
            DisplayName = "",
            CreatedBy = caller.UserId,
            Everyone = false,
            UserIds = [],
            GroupIds = [],
            Everything = false,
            ServerIds = [],
            EntryIds = [],
            CatalogIds = [],
            Revision = 1,
            CreatedAt = now,
            UpdatedAt = now,
        };
    }

    private static async Task CheckAsync(ObotDb db, RuleReach reach, AccessRuleRow row, NewAccessRule request, AccessRuleRow? kept, CancellationToken cancellationToken)
    {
        AccessRuleValidation.Check(request);
        await RuleNames.CheckAsync(db, request, kept, cancellationToken);
        RuleMapping.Fill(row, request);
        reach.Check(row);
    }

    private static async Task SaveAsync(ObotDb db, string id, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.AccessRule, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
