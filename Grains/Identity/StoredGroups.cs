using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Identity;

/// <inheritdoc cref="IGroups"/>
internal sealed class StoredGroups(IDbContextFactory<ObotDb> databases, TimeProvider time) : IGroups
{
    private const string Kind = "groups";
    private const string IdPrefix = "gr1";
    private const int MaxText = 200;

    public async Task<Page<GroupView>> List(Principal caller, string? query, int limit, string? cursor, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        IQueryable<GroupRow> groups = db.Groups;
        if (query?.Trim() is { Length: > 0 } text)
        {
            var pattern = LikePattern.Containing(text, MaxText, "query");
            groups = groups.Where(group => EF.Functions.ILike(group.Name, pattern, LikePattern.Escape) || group.Id == text);
        }

        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            groups = groups.Where(group => group.CreatedAt > at || (group.CreatedAt == at && string.Compare(group.Id, id) > 0));
        }

        var found = await Views(db, groups.OrderBy(group => group.CreatedAt).ThenBy(group => group.Id).Take(limit + 1)).ToListAsync(cancellationToken);
        var next = found.Count > limit ? new PageCursor(found[limit - 1].CreatedAt, found[limit - 1].Id).ToString() : null;
        return new([.. found.Take(limit)], next);
    }

    public async Task<GroupView> Create(Principal caller, string name, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await LockedUsers.TakeAsync(db, caller, null, cancellationToken);
        UserRules.CheckName(name);
        name = name.Trim();
        if (await db.Groups.FirstOrDefaultAsync(group => group.ProviderId == "" && group.Name == name, cancellationToken) is { } same)
        {
            throw new ConflictException($"Group '{name}' is there already ({same.Id}).");
        }

        var id = RandomId.New(IdPrefix);
        var row = new GroupRow { Id = id, ProviderId = "", ExternalId = id, Name = name, CreatedAt = time.Now() };
        db.Groups.Add(row);
        db.NoteChange(row.CreatedAt, caller.UserId, "create", Kind, id, name);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return new(id, name, null, 0, row.CreatedAt);
    }

    public async Task<GroupView?> Find(Principal caller, string groupId, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await Views(db, db.Groups.Where(group => group.Id == groupId)).SingleOrDefaultAsync(cancellationToken);
    }

    public async Task<Page<GroupMember>?> Members(Principal caller, string groupId, int limit, string? cursor, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (!await db.Groups.AnyAsync(group => group.Id == groupId, cancellationToken))
        {
            return null;
        }

        var users = db.Users.AsNoTracking().Where(user => db.GroupMembers.Any(member => member.GroupId == groupId && member.UserId == user.Id));
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            users = users.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var found = await users.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = found.Count > limit ? new PageCursor(found[limit - 1].CreatedAt, found[limit - 1].Id).ToString() : null;
        return new([.. found.Take(limit).Select(row => new GroupMember(row.Id, row.Name, row.KindOf()))], next);
    }

    public async Task<bool> Remove(Principal caller, string groupId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await LockedUsers.TakeAsync(db, caller, null, cancellationToken);
        if (!await LockAsync(db, groupId, forUpdate: true, cancellationToken))
        {
            return false;
        }

        var name = await db.Groups.Where(group => group.Id == groupId).Select(group => group.Name).SingleAsync(cancellationToken);
        var members = await db.GroupMembers.Where(member => member.GroupId == groupId).Select(member => member.UserId).ToListAsync(cancellationToken);
        await db.Groups.Where(group => group.Id == groupId).ExecuteDeleteAsync(cancellationToken);
        await db.WriteChangeAsync(time.Now(), caller.UserId, "delete", Kind, groupId, name, null, cancellationToken);
        await db.AnnounceAllAsync(SecurityChangeKinds.User, members, SecurityChangeKinds.Everything, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public Task<MemberChange> AddMember(Principal caller, string groupId, string userId, CancellationToken cancellationToken) => ChangeAsync(
        caller,
        "add-member",
        groupId,
        userId,
        db => db.Database.ExecuteSqlAsync($"INSERT INTO group_members (group_id, user_id) VALUES ({groupId}, {userId}) ON CONFLICT DO NOTHING", cancellationToken),
        cancellationToken);

    public Task<MemberChange> RemoveMember(Principal caller, string groupId, string userId, CancellationToken cancellationToken) => ChangeAsync(
        caller,
        "remove-member",
        groupId,
        userId,
        db => db.GroupMembers.Where(member => member.GroupId == groupId && member.UserId == userId).ExecuteDeleteAsync(cancellationToken),
        cancellationToken);

    private async Task<MemberChange> ChangeAsync(Principal caller, string action, string groupId, string userId, Func<ObotDb, Task<int>> change, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var users = await LockedUsers.TakeAsync(db, caller, userId, cancellationToken);
        if (!await LockAsync(db, groupId, forUpdate: false, cancellationToken))
        {
            return MemberChange.NoSuchGroup;
        }

        if (users.Target is null)
        {
            return MemberChange.NoSuchUser;
        }

        if (await change(db) > 0)
        {
            var name = await db.Groups.Where(group => group.Id == groupId).Select(group => group.Name).SingleAsync(cancellationToken);
            await db.WriteChangeAsync(time.Now(), caller.UserId, action, Kind, groupId, name, JsonSerializer.Serialize(new { userID = userId }), cancellationToken);
            await db.AnnounceAsync(SecurityChangeKinds.User, userId, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return MemberChange.Done;
    }

    /// <returns>False when there is no such group.</returns>
    /// <exception cref="ConflictException">It is an identity provider's.</exception>
    private static async Task<bool> LockAsync(ObotDb db, string groupId, bool forUpdate, CancellationToken cancellationToken)
    {
        var rows = forUpdate
            ? db.Groups.FromSql($"SELECT * FROM groups WHERE id = {groupId} FOR UPDATE")
            : db.Groups.FromSql($"SELECT * FROM groups WHERE id = {groupId} FOR KEY SHARE");
        if ((await rows.AsNoTracking().ToListAsync(cancellationToken)) is not [var group])
        {
            return false;
        }

        return group.ProviderId.Length == 0
            ? true
            : throw new ConflictException($"Group '{group.Name}' belongs to identity provider '{group.ProviderId}': its members are set there and taken over at each sign-in. Make a group of your own with POST /api/groups.");
    }

    private static IQueryable<GroupView> Views(ObotDb db, IQueryable<GroupRow> groups) => groups.AsNoTracking().Select(group => new GroupView(
        group.Id, group.Name, group.ProviderId == "" ? null : group.ProviderId, db.GroupMembers.Count(member => member.GroupId == group.Id), group.CreatedAt));
}
