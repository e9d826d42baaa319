using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Catalog.Files;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Catalog;

internal sealed record MergeOutcome(int Added, int Changed, int Removed);

/// <summary>Brings the table to what the sources hold, within the caller's transaction and under its locks.</summary>
internal sealed class EntryMerge(ObotDb db, IEncryption encryption, CatalogRow catalog, DateTimeOffset now)
{
    /// <summary>Who the log of changes names for what a synchronization did.</summary>
    public const string User = "sync";
    private const string Kind = "mcp-catalog-entries";
    private const int Batch = 500;

    public async Task<MergeOutcome> RunAsync(IReadOnlyList<ReadSource> sources, CancellationToken cancellationToken)
    {
        var known = await db.CatalogEntries.AsNoTracking().Where(row => row.CatalogId == catalog.Id && row.SourceUrl != null)
            .Select(row => new Known(row.Id, row.Name, row.SourceUrl!, row.Path!, row.Line, row.Hash, row.RemovedAt)).ToDictionaryAsync(row => row.Id, StringComparer.Ordinal, cancellationToken);
        var taken = (await db.CatalogEntries.AsNoTracking().Select(row => row.RegistryName).ToListAsync(cancellationToken)).ToHashSet(StringComparer.Ordinal);
        var (added, changed) = (new List<CatalogEntryRow>(), new List<(CatalogEntryRow Row, bool Manifest)>());
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var source in sources)
        {
            foreach (var (id, entry) in source.Entries)
            {
                if (!seen.Add(id))
                {
                    continue;
                }

                if (!known.TryGetValue(id, out var old))
                {
                    var name = StoredEntry.RegistryName(entry.Manifest.Name, id, taken.Contains);
                    taken.Add(name);
                    added.Add(Row(id, source.Url, entry, name));
                }
                else if (!old.Hash.AsSpan().SequenceEqual(encryption.HashEntry(ManifestJson.Serialize(entry.Manifest))))
                {
                    changed.Add((Row(id, source.Url, entry, ""), true));
                }
                else if (old.RemovedAt is not null || old.Path != entry.Path || old.Line != entry.Line || old.SourceUrl != source.Url)
                {
                    changed.Add((Row(id, source.Url, entry, ""), false));
                }
            }
        }

        await AddAsync(added, cancellationToken);
        await ChangeAsync(changed, cancellationToken);
        var gone = await RemoveAsync([.. known.Values.Where(old => !seen.Contains(old.Id) && IsGone(old, sources))], cancellationToken);
        return new(added.Count, changed.Count(one => one.Manifest), gone);
    }

    /// <summary>Not because its source could not be asked, nor because its file has an error just now.</summary>
    private static bool IsGone(Known old, IReadOnlyList<ReadSource> sources) =>
        sources.FirstOrDefault(source => source.Url == old.SourceUrl) is not { } source
        || (source.Error is null && !source.Problems.Exists(problem => !problem.Warning && problem.File == old.Path));

    private CatalogEntryRow Row(string id, string url, FileEntry entry, string registryName)
    {
        var row = new CatalogEntryRow
        {
            Id = id,
            CatalogId = catalog.Id,
            SourceUrl = url,
            Path = entry.Path,
            Line = entry.Line,
            EntryKey = entry.Key,
            Name = "",
            ShortDescription = "",
            Description = "",
            Categories = [],
            Runtime = "",
            ServerUserType = "",
            RegistryName = registryName,
            Manifest = "",
            Hash = [],
            Revision = 1,
            OwnerId = catalog.CreatedBy,
            CreatedAt = now,
            UpdatedAt = now,
        };
        StoredEntry.Fill(row, entry.Manifest, encryption);
        return row;
    }

    private async Task AddAsync(List<CatalogEntryRow> rows, CancellationToken cancellationToken)
    {
        foreach (var some in rows.Chunk(Batch))
        {
            db.CatalogEntries.AddRange(some);
            foreach (var row in some)
            {
                db.NoteChange(now, User, "create", Kind, row.Id, row.Name);
            }

            await SaveAsync(cancellationToken);
        }
    }

    private async Task ChangeAsync(List<(CatalogEntryRow Row, bool Manifest)> rows, CancellationToken cancellationToken)
    {
        foreach (var some in rows.Chunk(Batch))
        {
            var ids = some.Select(one => one.Row.Id).ToArray();
            var stored = await db.CatalogEntries.Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, StringComparer.Ordinal, cancellationToken);
            foreach (var (next, manifest) in some)
            {
                var row = stored[next.Id];
                (row.SourceUrl, row.Path, row.Line, row.RemovedAt) = (next.SourceUrl, next.Path, next.Line, null);
                if (manifest)
                {
                    (row.Name, row.ShortDescription, row.Description, row.Categories) = (next.Name, next.ShortDescription, next.Description, next.Categories);
                    (row.Icon, row.Runtime, row.ServerUserType, row.Manifest, row.Hash) = (next.Icon, next.Runtime, next.ServerUserType, next.Manifest, next.Hash);
                    row.Revision++;
                    row.UpdatedAt = now;
                    row.ToolPreview = null;
                    db.NoteChange(now, User, "update", Kind, row.Id, row.Name);
                }
            }

            await SaveAsync(cancellationToken);
        }
    }

    private async Task<int> RemoveAsync(IReadOnlyList<Known> gone, CancellationToken cancellationToken)
    {
        var marked = 0;
        foreach (var some in gone.Chunk(Batch))
        {
            var ids = some.Select(one => one.Id).ToArray();

            // nobody makes a server of them from here on
            await db.Database.ExecuteSqlAsync($"SELECT 1 FROM mcp_catalog_entries WHERE id = ANY({ids}) FOR UPDATE", cancellationToken);
            var inUse = await db.Servers.Where(row => row.CatalogEntryId != null && ids.Contains(row.CatalogEntryId)).Select(row => row.CatalogEntryId!).ToListAsync(cancellationToken);
            var fresh = some.Where(one => one.RemovedAt is null && inUse.Contains(one.Id, StringComparer.Ordinal)).ToList();
            var marks = fresh.ConvertAll(one => one.Id);
            await db.CatalogEntries.Where(row => marks.Contains(row.Id)).ExecuteUpdateAsync(set => set.SetProperty(row => row.RemovedAt, now).SetProperty(row => row.UpdatedAt, now), cancellationToken);
            var ends = some.Where(one => !inUse.Contains(one.Id, StringComparer.Ordinal)).ToList();
            var endIds = ends.ConvertAll(one => one.Id);
            await db.CatalogEntries.Where(row => endIds.Contains(row.Id)).ExecuteDeleteAsync(cancellationToken);
            foreach (var one in fresh.Concat(ends))
            {
                db.NoteChange(now, User, "remove", Kind, one.Id, one.Name);
            }

            marked += fresh.Count + ends.Count;
            await SaveAsync(cancellationToken);
        }

        return marked;
    }

    private async Task SaveAsync(CancellationToken cancellationToken)
    {
        await db.SaveChangesAsync(cancellationToken);

        // the catalog stays tracked; thousands of entries need not
        foreach (var entry in db.ChangeTracker.Entries().Where(entry => entry.Entity is not CatalogRow).ToList())
        {
            entry.State = EntityState.Detached;
        }
    }

    private sealed record Known(string Id, string Name, string SourceUrl, string Path, int Line, byte[] Hash, DateTimeOffset? RemovedAt);
}
