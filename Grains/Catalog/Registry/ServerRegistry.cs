using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Hosting;
using Obot.Grains.Policies;

namespace Obot.Grains.Catalog.Registry;

/// <summary>The registry over entries and servers, in the order of their ids: a page neither skips nor repeats while others change.</summary>
internal sealed class ServerRegistry(IDbContextFactory<ObotDb> databases, IEncryption encryption) : IServerRegistry
{
    private const int MaxCursor = 64;
    private const string Latest = "latest";

    public async Task<RegistryPage> List(Principal? caller, RegistryQuery query, CancellationToken cancellationToken)
    {
        var revision = query.Version is null or "" or Latest ? (long?)null : RegistryNames.RevisionOf(query.Version) ?? -1L;
        var after = query.Cursor is not { Length: > 0 } cursor ? ""
            : cursor.Length <= MaxCursor && cursor.All(char.IsAsciiLetterOrDigit) ? cursor
            : throw new InvalidInputException("cursor", "Not a cursor of this list. Send 'nextCursor' of the page before, or nothing for the first page.");
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var (entries, servers) = await VisibleAsync(db, caller, query.IncludeDeleted || query.UpdatedSince is not null, cancellationToken);
        if (query.Search is { Length: > 0 } text)
        {
            var pattern = LikePattern.Containing(text, 200, "search");
            entries = entries.Where(row => EF.Functions.ILike(row.Name, pattern, LikePattern.Escape) || EF.Functions.ILike(row.RegistryName, pattern, LikePattern.Escape));
            servers = servers.Where(row => EF.Functions.ILike(row.Name, pattern, LikePattern.Escape));
        }

        if (query.UpdatedSince is { } since)
        {
            since = since.ToUniversalTime();
            entries = entries.Where(row => row.UpdatedAt >= since);
            servers = servers.Where(row => row.UpdatedAt >= since);
        }

        if (revision is { } exact)
        {
            entries = entries.Where(row => row.Revision == exact);
            servers = servers.Where(row => row.Revision == exact);
        }

        // ids of entries come before those of servers
        var most = query.Limit + 1;
        var found = (await entries.Where(row => string.Compare(row.Id, after) > 0).OrderBy(row => row.Id).Take(most).ToListAsync(cancellationToken)).ConvertAll(Item);
        if (found.Count < most)
        {
            found.AddRange((await servers.Where(row => string.Compare(row.Id, after) > 0).OrderBy(row => row.Id).Take(most - found.Count).ToListAsync(cancellationToken)).Select(Item));
        }

        return new([.. found.Take(query.Limit)], found.Count == most ? found[query.Limit - 1].ConnectId : null);
    }

    public async Task<RegistryItem?> Find(Principal? caller, string name, bool includeDeleted, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var (entries, servers) = await VisibleAsync(db, caller, includeDeleted, cancellationToken);
        if (await entries.SingleOrDefaultAsync(row => row.RegistryName == name, cancellationToken) is { } entry)
        {
            return Item(entry);
        }

        return RegistryNames.ServerIdOf(name) is { } id && await servers.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } server && RegistryNames.Of(server) == name
            ? Item(server)
            : null;
    }

    private static async Task<(IQueryable<CatalogEntryRow> Entries, IQueryable<ServerRow> Servers)> VisibleAsync(
        ObotDb db, Principal? caller, bool deleted, CancellationToken cancellationToken)
    {
        var open = caller is null ? await RuleScope.OfEveryoneAsync(db, cancellationToken) : await RuleScope.OfAsync(db, caller, cancellationToken);
        var entries = new EntrySight(open.Everything, caller?.UserId ?? "", open.EntryIds, open.CatalogIds, caller?.ServerIds?.ToArray()).Of(db, db.CatalogEntries.AsNoTracking());
        if (!deleted)
        {
            entries = entries.Where(row => row.RemovedAt == null);
        }

        var servers = db.Servers.AsNoTracking().Where(row => row.CatalogEntryId == null);
        if (!open.Everything)
        {
            var (ids, owner) = (open.ServerIds, caller?.UserId);
            servers = servers.Where(row => ids.Contains(row.Id) || row.OwnerId == owner);
        }

        var reach = caller?.ServerIds;
        return (entries, reach is null ? servers : servers.Where(row => reach.Contains(row.Id)));
    }

    private RegistryItem Item(CatalogEntryRow row) => Item(encryption.DecryptEntry(row), row.RegistryName, row.Id, row.Revision, row.CreatedAt, row.UpdatedAt) with { DeletedAt = row.RemovedAt };

    private RegistryItem Item(ServerRow row) => Item(encryption.DecryptManifest(row), RegistryNames.Of(row), row.Id, row.Revision, row.CreatedAt, row.UpdatedAt);

    private static RegistryItem Item(ServerManifest manifest, string name, string id, long revision, DateTimeOffset createdAt, DateTimeOffset updatedAt) => new()
    {
        Name = name,
        Title = manifest.Name,
        Description = manifest.ShortDescription is { Length: > 0 } brief ? brief : manifest.Description ?? "",
        Version = RegistryNames.VersionOf(revision),
        RepositoryUrl = manifest.RepoURL,
        ConnectId = id,
        Runtime = manifest.Runtime,
        Categories = StoredEntry.Categories(manifest),
        PublishedAt = createdAt,
        UpdatedAt = updatedAt,
    };
}
