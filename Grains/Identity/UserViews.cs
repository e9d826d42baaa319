using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>Rows of <c>users</c> as others see them.</summary>
internal sealed class UserViews(UserEmails emails, PreassignedRoles preassigned)
{
    private const string Local = "local";
    private const string Bootstrap = "bootstrap";

    /// <param name="row">The user.</param>
    /// <param name="keyUsedAt">Last use of any of the user's API keys.</param>
    public UserView Of(UserRow row, DateTimeOffset? keyUsedAt) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Kind = row.KindOf(),
        Email = emails.Read(row),
        Role = row.RoleOf(),
        RoleSource = SourceOf(row),
        Auditor = row.Auditor,
        DisabledAt = row.DisabledAt,
        CreatedAt = row.CreatedAt,
        LastSeenAt = Later(row.LastSeenAt, keyUsedAt),
    };

    /// <summary>Null when there is no such user.</summary>
    public async Task<UserDetails?> DetailsAsync(ObotDb db, string userId, CancellationToken cancellationToken)
    {
        if (await db.Users.AsNoTracking().SingleOrDefaultAsync(row => row.Id == userId, cancellationToken) is not { } row)
        {
            return null;
        }

        var usedAt = await db.ApiKeys.Where(key => key.UserId == userId).MaxAsync(key => key.LastUsedAt, cancellationToken);
        var groups = await db.GroupMembers.Where(member => member.UserId == userId)
            .Join(db.Groups, member => member.GroupId, group => group.Id, (_, group) => group)
            .OrderBy(group => group.Name).ThenBy(group => group.Id)
            .Select(group => new UserGroup(group.Id, group.Name, group.ProviderId == "" ? null : group.ProviderId))
            .ToListAsync(cancellationToken);
        var identities = await db.UserIdentities.Where(identity => identity.UserId == userId).OrderBy(identity => identity.CreatedAt)
            .Select(identity => new UserIdentity(identity.ProviderId, identity.Subject, identity.CreatedAt, identity.LastSignInAt))
            .ToListAsync(cancellationToken);
        var accounts = await db.LocalAccounts.Where(account => account.UserId == userId)
            .Select(account => new UserIdentity(Local, account.UserName, row.CreatedAt, row.LastSeenAt ?? row.CreatedAt))
            .ToListAsync(cancellationToken);

        var view = Of(row, usedAt);
        return new()
        {
            Id = view.Id,
            Name = view.Name,
            Kind = view.Kind,
            Email = view.Email,
            Role = view.Role,
            RoleSource = view.RoleSource,
            Auditor = view.Auditor,
            DisabledAt = view.DisabledAt,
            CreatedAt = view.CreatedAt,
            LastSeenAt = view.LastSeenAt,
            Groups = groups,
            Identities = [.. identities, .. accounts],
        };
    }

    private string SourceOf(UserRow row) =>
        row.KindOf() is UserKind.System ? Bootstrap
        : preassigned.Of(row) is { } given && given.Role >= row.RoleOf() ? given.Setting
        : UserView.Assigned;

    private static DateTimeOffset? Later(DateTimeOffset? one, DateTimeOffset? other) => one > other || other is null ? one : other;
}
