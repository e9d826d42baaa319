using Obot.Data.Tables;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>What the data plane knows of a server, out of its row.</summary>
internal static class ServerEntries
{
    public static ServerEntry Entry(this ServerRow row) =>
        new(row.Id, row.PerUser, row.OwnerId) { CatalogEntryId = row.CatalogEntryId, CatalogId = row.CatalogId };
}
