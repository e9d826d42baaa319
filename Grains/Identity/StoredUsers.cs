using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Identity;

/// <inheritdoc cref="IUsers"/>
internal sealed class StoredUsers(
    IDbContextFactory<ObotDb> databases, UserViews views, UserEmails emails, UserRules rules, UserRemoval removal, TimeProvider time) : IUsers
{
    private const string IdPrefix = "su1";
    private const string Kind = "users";
    private const int MaxText = 200;

    public async Task<UserDetails?> Me(Principal caller, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await views.DetailsAsync(db, caller.UserId, cancellationToken);
    }

    public async Task<Page<UserView>> List(Principal caller, UserQuery query, int limit, string? cursor, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var users = Matching(db.Users.AsNoTracking(), query);
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            users = users.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var found = await users.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1)
            .Select(row => new { Row = row, KeyUsedAt = db.ApiKeys.Where(key => key.UserId == row.Id).Max(key => key.LastUsedAt) })
            .ToListAsync(cancellationToken);
        var next = found.Count > limit ? new PageCursor(found[limit - 1].Row.CreatedAt, found[limit - 1].Row.Id).ToString() : null;
        return new([.. found.Take(limit).Select(one => views.Of(one.Row, one.KeyUsedAt))], next);
    }

    public async Task<UserDetails?> Find(Principal caller, string userId, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await views.DetailsAsync(db, userId, cancellationToken);
    }

    public async Task<UserDetails> Create(Principal caller, NewServiceAccount request, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var users = await LockedUsers.TakeAsync(db, caller, null, cancellationToken);
        UserRules.CheckName(request.Name);
        UserRules.CheckGrant(users.Actor, request.Role);
        await CheckGroupsAsync(db, request.Groups, cancellationToken);

        var row = new UserRow
        {
            Id = RandomId.New(IdPrefix),
            Name = request.Name.Trim(),
            Role = request.Role.ToString(),
            Kind = nameof(UserKind.Service),
            CreatedAt = time.Now(),
        };
        db.Users.Add(row);
        db.NoteChange(row.CreatedAt, caller.UserId, "create", Kind, row.Id, row.Name, $$"""{"role":"{{row.Role}}"}""");
        await db.SaveChangesAsync(cancellationToken);
        db.GroupMembers.AddRange(request.Groups.Distinct(StringComparer.Ordinal).Select(group => new GroupMemberRow { GroupId = group, UserId = row.Id }));
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.User, row.Id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (await views.DetailsAsync(db, row.Id, cancellationToken))!;
    }

    public async Task<UserDetails?> Change(Principal caller, string userId, UserChange change, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var users = await LockedUsers.TakeAsync(db, caller, userId, cancellationToken);
        if (users.Target is not { } user)
        {
            return null;
        }

        rules.CheckChange(users, user, change);
        user.Role = change.Role?.ToString() ?? user.Role;
        user.Auditor = change.Auditor ?? user.Auditor;
        user.Name = change.Name?.Trim() ?? user.Name;
        if (change.Disabled is { } disabled)
        {
            user.DisabledAt = disabled ? user.DisabledAt ?? time.Now() : null;
        }

        if (await db.SaveChangesAsync(cancellationToken) > 0)
        {
            await db.WriteChangeAsync(time.Now(), caller.UserId, "update", Kind, userId, user.Name, Details(change), cancellationToken);
            await db.AnnounceAsync(SecurityChangeKinds.User, userId, cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
        return await views.DetailsAsync(db, userId, cancellationToken);
    }

    private static string Details(UserChange change) => System.Text.Json.JsonSerializer.Serialize(
        new Dictionary<string, string?>(StringComparer.Ordinal) { ["role"] = change.Role?.ToString(), ["auditor"] = change.Auditor?.ToString(), ["disabled"] = change.Disabled?.ToString(), ["name"] = change.Name }
            .Where(one => one.Value is not null).ToDictionary(StringComparer.Ordinal));

    public Task<bool> Remove(Principal caller, string userId, OwnedServers servers, CancellationToken cancellationToken) =>
        removal.RemoveAsync(caller, userId, servers, cancellationToken);

    private IQueryable<UserRow> Matching(IQueryable<UserRow> users, UserQuery query)
    {
        if (query.Role is { } role)
        {
            var name = role.ToString();
            users = users.Where(row => row.Role == name);
        }

        if (query.Kind is { } kind)
        {
            var name = kind.ToString();
            users = users.Where(row => row.Kind == name);
        }

        if (query.Text?.Trim() is not { Length: > 0 } text)
        {
            return users;
        }

        var pattern = LikePattern.Containing(text, MaxText, "query");
        var index = text.Contains('@', StringComparison.Ordinal) ? emails.Index(text) : null;
        return users.Where(row => EF.Functions.ILike(row.Name, pattern, LikePattern.Escape) || row.Id == text || (index != null && row.EmailIndex == index));
    }

    private static async Task CheckGroupsAsync(ObotDb db, IReadOnlyList<string> groups, CancellationToken cancellationToken)
    {
        var known = await db.Groups.Where(group => groups.Contains(group.Id)).ToDictionaryAsync(group => group.Id, group => group.ProviderId, StringComparer.Ordinal, cancellationToken);
        for (var i = 0; i < groups.Count; i++)
        {
            if (!known.TryGetValue(groups[i], out var provider))
            {
                throw new InvalidInputException($"groups[{i}]", $"There is no group '{groups[i]}'. GET /api/groups lists them.");
            }

            if (provider.Length > 0)
            {
                throw new InvalidInputException($"groups[{i}]", $"Members of '{groups[i]}' come from identity provider '{provider}', which knows no service accounts. Name a group that is kept by hand.");
            }
        }
    }
}
