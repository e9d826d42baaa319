using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Catalog;

/// <summary>Catalogs as rows of <c>mcp_catalogs</c>, read by their grains.</summary>
internal sealed class StoredCatalogs(IDbContextFactory<ObotDb> databases, IGrainFactory grains, IEncryption encryption, TimeProvider time) : IMcpCatalogs
{
    /// <summary>The built-in catalog of entries that people make.</summary>
    public const string Default = "default";
    private const string Kind = "mcp-catalogs";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(100);

    public async Task<CatalogView> Create(Principal caller, NewCatalog request, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        var name = CatalogValidation.Check(request);
        var now = time.Now();
        var row = new CatalogRow
        {
            Id = RandomId.New("mc1"),
            DisplayName = name,
            CreatedBy = caller.UserId,
            SourceUrls = [.. request.SourceURLs ?? []],
            Revision = 1,
            CreatedAt = now,
            UpdatedAt = now,
        };
        FillCredentials(row, request);
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            db.Catalogs.Add(row);
            db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.DisplayName, Details(row));
            await db.SaveChangesAsync(cancellationToken);
        }

        await SyncAsync(row, cancellationToken);
        return await ViewAsync(row.Id, cancellationToken) ?? throw new ConflictException("The catalog was removed by someone else in the meantime.");
    }

    public async Task<Page<CatalogView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = db.Catalogs.AsNoTracking();
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new(await ViewsAsync(db, [.. rows.Take(limit)], cancellationToken), next);
    }

    public Task<CatalogView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        return ViewAsync(id, cancellationToken);
    }

    public async Task<CatalogView?> Update(Principal caller, string id, NewCatalog request, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        var name = CatalogValidation.Check(request);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Catalogs.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        row.DisplayName = name;
        row.SourceUrls = [.. request.SourceURLs ?? []];
        row.Revision++;
        row.UpdatedAt = time.Now();
        FillCredentials(row, request);
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, name, Details(row));
        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Catalog '{id}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        await SyncAsync(row, cancellationToken);
        return await ViewAsync(id, cancellationToken);
    }

    public async Task<CatalogView?> Refresh(Principal caller, string id, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (await db.Catalogs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
            {
                return null;
            }

            await SyncAsync(row, cancellationToken);
        }

        return await ViewAsync(id, cancellationToken);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        if (id == Default)
        {
            throw new ConflictException("The catalog of own entries is built in; its entries can be removed one by one.");
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.Catalogs.FromSql($"SELECT * FROM mcp_catalogs WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken) is not { } row)
        {
            return false;
        }

        var now = time.Now();
        await db.CatalogEntries.Where(entry => entry.CatalogId == id && !db.Servers.Any(server => server.CatalogEntryId == entry.Id)).ExecuteDeleteAsync(cancellationToken);
        await db.CatalogEntries.Where(entry => entry.CatalogId == id && entry.RemovedAt == null).ExecuteUpdateAsync(set => set.SetProperty(entry => entry.RemovedAt, now), cancellationToken);
        db.Catalogs.Remove(row);
        db.NoteChange(now, caller.UserId, "delete", Kind, id, row.DisplayName);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await grains.GetGrain<ICatalogSourceGrain>(id).Forget();
        return true;
    }

    private void FillCredentials(CatalogRow row, NewCatalog request)
    {
        var credentials = StoredCredentials.Read(encryption, row);
        foreach (var (url, credential) in request.SourceURLCredentials ?? new Dictionary<string, string>(StringComparer.Ordinal))
        {
            credentials[url] = credential;
        }

        StoredCredentials.Write(
            encryption, row, credentials.Where(one => one.Value.Length > 0 && row.SourceUrls.Contains(one.Key, StringComparer.Ordinal)).ToDictionary(one => one.Key, one => one.Value, StringComparer.Ordinal));
    }

    private static string Details(CatalogRow row) => JsonSerializer.Serialize(new { sourceURLs = row.SourceUrls });

    /// <summary>Waits for a reading that began after the change; a silo that dies in between is followed by another one.</summary>
    private async Task SyncAsync(CatalogRow row, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<ICatalogSourceGrain>(row.Id);
        var begun = time.GetTimestamp();
        var run = await grain.Sync();
        while (time.GetElapsedTime(begun) < Patience)
        {
            var progress = await grain.GetProgress();
            if (progress.Done >= run)
            {
                return;
            }

            if (!progress.Running)
            {
                run = await grain.Sync();
            }

            await Task.Delay(AskAgain, time, cancellationToken);
        }
    }

    private async Task<CatalogView?> ViewAsync(string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Catalogs.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? (await ViewsAsync(db, [row], cancellationToken))[0] : null;
    }

    private async Task<IReadOnlyList<CatalogView>> ViewsAsync(ObotDb db, IReadOnlyList<CatalogRow> rows, CancellationToken cancellationToken)
    {
        var ids = rows.Select(row => row.Id).ToArray();
        var counts = await db.CatalogEntries.Where(entry => ids.Contains(entry.CatalogId)).GroupBy(entry => new { entry.CatalogId, Removed = entry.RemovedAt != null })
            .Select(group => new { group.Key.CatalogId, group.Key.Removed, Count = group.Count() }).ToListAsync(cancellationToken);
        return
        [
            .. rows.Select(row => new CatalogView
            {
                Id = row.Id,
                DisplayName = row.DisplayName,
                SourceURLs = row.SourceUrls,
                SourceURLsWithCredential = [.. StoredCredentials.Read(encryption, row).Keys.Order(StringComparer.Ordinal)],
                CreatedBy = row.CreatedBy,
                Revision = row.Revision,
                CreatedAt = row.CreatedAt,
                UpdatedAt = row.UpdatedAt,
                LastSyncedAt = row.LastSyncedAt,
                Entries = counts.Find(count => count.CatalogId == row.Id && !count.Removed)?.Count ?? 0,
                RemovedEntries = counts.Find(count => count.CatalogId == row.Id && count.Removed)?.Count ?? 0,
                Report = row.SyncReport is null ? new() : JsonSerializer.Deserialize<CatalogReport>(row.SyncReport, JsonSerializerOptions.Web)!,
            }),
        ];
    }
}
