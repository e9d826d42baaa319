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
        var (userId, reach) = (caller.UserId, caller.ServerIds);
        var open = await RuleScope.OfAsync(db, caller, cancellationToken);
        if (!open.Everything)
        {
            var (ids, entries, catalogs) = (open.ServerIds, open.EntryIds, open.CatalogIds);
            servers = servers.Where(row => row.OwnerId == userId || ids.Contains(row.Id)
                || (row.CatalogEntryId != null && entries.Contains(row.CatalogEntryId)) || (row.CatalogId != null && catalogs.Contains(row.CatalogId)));
        }

        return reach is null ? servers : servers.Where(row => reach.Contains(row.Id) || (row.CatalogEntryId != null && reach.Contains(row.CatalogEntryId)));
    }
}
