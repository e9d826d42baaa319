using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;

namespace Obot.Grains.IdentityProviders;

/// <summary>Groups that an identity provider names: made on sight, and a user is in exactly those that the last sign-in named.</summary>
internal static class ExternalGroups
{
    private const string IdPrefix = "gr1";

    /// <summary>Whether anything changed. Other providers' groups and those kept by hand are left alone.</summary>
    public static async Task<bool> ReplaceAsync(
        ObotDb db, string providerId, string userId, IReadOnlyList<string> names, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var known = await db.Groups.AsNoTracking().Where(row => row.ProviderId == providerId && names.Contains(row.ExternalId)).Select(row => row.ExternalId).ToListAsync(cancellationToken);
        foreach (var name in names.Except(known, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            await db.Database.ExecuteSqlAsync(
                $"""
                INSERT INTO groups (id, provider_id, external_id, name, created_at) VALUES ({RandomId.New(IdPrefix)}, {providerId}, {name}, {name}, {now})
                ON CONFLICT (provider_id, external_id) DO NOTHING
                """,
                cancellationToken);
        }

        var wanted = await db.Groups.Where(row => row.ProviderId == providerId && names.Contains(row.ExternalId)).Select(row => row.Id).ToListAsync(cancellationToken);
        var left = await db.GroupMembers
            .Where(member => member.UserId == userId && !wanted.Contains(member.GroupId) && db.Groups.Any(group => group.Id == member.GroupId && group.ProviderId == providerId))
            .ExecuteDeleteAsync(cancellationToken);
        var present = await db.GroupMembers.Where(member => member.UserId == userId && wanted.Contains(member.GroupId)).Select(member => member.GroupId).ToListAsync(cancellationToken);
        var joined = wanted.Except(present, StringComparer.Ordinal).ToList();
        db.GroupMembers.AddRange(joined.Select(id => new GroupMemberRow { GroupId = id, UserId = userId }));
        await db.SaveChangesAsync(cancellationToken);
        return left > 0 || joined.Count > 0;
    }
}
