using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Policies;

/// <summary>
/// The servers that some rule opens for somebody, for lists only: whether a call is allowed is decided by the guard, and by nobody else.
/// </summary>
internal static class CallableServers
{
    /// <summary>Those that the caller made, and those that a rule opens; never more than the credential reaches.</summary>
    public static async Task<IQueryable<ServerRow>> OfAsync(ObotDb db, IQueryable<ServerRow> servers, Principal caller, CancellationToken cancellationToken)
    {
        var (userId, groups, reach) = (caller.UserId, caller.Groups.ToArray(), caller.ServerIds);
        var rules = await db.AccessRules.AsNoTracking()
            .Where(rule => rule.Everyone || rule.UserIds.Contains(userId) || rule.GroupIds.Any(group => groups.Contains(group)))
            .Select(rule => new { rule.Everything, rule.ServerIds })
            .ToListAsync(cancellationToken);
        if (!rules.Any(rule => rule.Everything))
        {
            var open = rules.SelectMany(rule => rule.ServerIds).ToHashSet(StringComparer.Ordinal);
            servers = servers.Where(row => row.OwnerId == userId || open.Contains(row.Id));
        }

        return reach is null ? servers : servers.Where(row => reach.Contains(row.Id));
    }
}
