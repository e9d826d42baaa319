using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Policies;

namespace Obot.Grains.Catalog;

/// <summary>
/// Which entries somebody sees: administrators all, others those of their own catalogs and those that rules open, by entry, catalog or
/// everything; never more than the credential reaches.
/// </summary>
/// <param name="All">All of them.</param>
/// <param name="OwnerId">Also those of this owner.</param>
internal sealed record EntrySight(bool All, string OwnerId, string[] EntryIds, string[] CatalogIds, string[]? Reach)
{
    public static async Task<EntrySight> OfAsync(ObotDb db, Principal caller, CancellationToken cancellationToken)
    {
        var reach = caller.ServerIds?.ToArray();
        if (caller.Role >= Role.Admin)
        {
            return new(true, caller.UserId, [], [], reach);
        }

        var open = await RuleScope.OfAsync(db, caller, cancellationToken);
        return new(open.Everything, caller.UserId, open.EntryIds, open.CatalogIds, reach);
    }

    public IQueryable<CatalogEntryRow> Of(ObotDb db, IQueryable<CatalogEntryRow> entries)
    {
        if (!All)
        {
            var (owner, ids, catalogs) = (OwnerId, EntryIds, CatalogIds);
            entries = entries.Where(row => row.OwnerId == owner || ids.Contains(row.Id) || catalogs.Contains(row.CatalogId));
        }

        return Reach is not { } reach
            ? entries
            : entries.Where(row => reach.Contains(row.Id) || db.Servers.Any(server => server.CatalogEntryId == row.Id && reach.Contains(server.Id)));
    }
}
