using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog;

/// <summary>Entries as rows of <c>mcp_catalog_entries</c>.</summary>
internal sealed class StoredCatalogEntries(
    IDbContextFactory<ObotDb> databases, EntryList list, EntryIcons icons, IMcpServers servers, IEncryption encryption, TimeProvider time) : ICatalogEntries
{
    private const string Kind = "mcp-catalog-entries";
    private const int MaxCategories = 500;

    public async Task<Page<CatalogEntryView>> List(Principal caller, EntryQuery query, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = EntryCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var found = await list.PageAsync(await EntrySight.OfAsync(db, caller, cancellationToken), query, limit, after, cancellationToken);
        var ids = found.Take(limit).Select(one => one.Id).ToArray();
        var rows = await db.CatalogEntries.AsNoTracking().Where(row => ids.Contains(row.Id)).ToDictionaryAsync(row => row.Id, StringComparer.Ordinal, cancellationToken);
        var views = await EntryViews.ManyAsync(db, encryption, [.. ids.Where(rows.ContainsKey).Select(id => rows[id])], cancellationToken);
        return new(views, found.Count > limit ? found[limit - 1].ToString() : null);
    }

    public async Task<CatalogEntryView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await RowAsync(db, caller, id, cancellationToken) is { } row ? (await EntryViews.ManyAsync(db, encryption, [row], cancellationToken))[0] : null;
    }

    public async Task<IReadOnlyList<string>> Categories(Principal caller, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var sight = await EntrySight.OfAsync(db, caller, cancellationToken);
        var names = await sight.Of(db, db.CatalogEntries.AsNoTracking()).Where(row => row.RemovedAt == null).SelectMany(row => row.Categories).Distinct().ToListAsync(cancellationToken);
        return [.. names.Distinct(StringComparer.OrdinalIgnoreCase).Order(StringComparer.OrdinalIgnoreCase).Take(MaxCategories)];
    }

    public async Task<CatalogEntryView> Create(Principal caller, string? catalogId, ServerManifest manifest, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        manifest = ManifestEntries.Restore(manifest, null);
        ManifestValidation.Check(manifest);
        var catalog = catalogId ?? StoredCatalogs.Default;
        var now = time.Now();
        var row = new CatalogEntryRow
        {
            Id = EntryIds.New(),
            CatalogId = catalog,
            Line = 0,
            EntryKey = manifest.EntryKey ?? "",
            Name = "",
            ShortDescription = "",
            Description = "",
            Categories = [],
            Runtime = "",
            ServerUserType = "",
            RegistryName = "",
            Manifest = "",
            Hash = [],
            Revision = 1,
            OwnerId = caller.UserId,
            CreatedAt = now,
            UpdatedAt = now,
        };
        StoredEntry.Fill(row, manifest, encryption);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtext('mcp_catalog_entries'))", cancellationToken);
        if (!await db.Catalogs.AnyAsync(one => one.Id == catalog, cancellationToken))
        {
            throw new InvalidInputException("catalogID", $"There is no catalog '{catalog}'. Leave it out for the catalog of own entries.");
        }

        var slug = StoredEntry.RegistryName(manifest.Name, row.Id, static _ => false);
        var isTaken = await db.CatalogEntries.AnyAsync(one => one.RegistryName == slug, cancellationToken);
        row.RegistryName = StoredEntry.RegistryName(manifest.Name, row.Id, _ => isTaken);
        db.CatalogEntries.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (await EntryViews.ManyAsync(db, encryption, [row], cancellationToken))[0];
    }

    public async Task<CatalogEntryView?> Update(Principal caller, string id, ServerManifest manifest, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.CatalogEntries.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        CheckOwn(row);
        manifest = ManifestEntries.Restore(manifest, encryption.DecryptEntry(row));
        ManifestValidation.Check(manifest);
        var hash = row.Hash;
        StoredEntry.Fill(row, manifest, encryption);
        if (!row.Hash.AsSpan().SequenceEqual(hash))
        {
            row.Revision++;
            row.UpdatedAt = time.Now();
            row.ToolPreview = null;
            db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.Name);
        }

        try
        {
            await db.SaveChangesAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Catalog entry '{id}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        return (await EntryViews.ManyAsync(db, encryption, [row], cancellationToken))[0];
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.CatalogEntries.FromSql($"SELECT * FROM mcp_catalog_entries WHERE id = {id} FOR UPDATE").SingleOrDefaultAsync(cancellationToken) is not { } row)
        {
            return false;
        }

        if (row.RemovedAt is null)
        {
            CheckOwn(row);
        }

        if (await db.Servers.Where(server => server.CatalogEntryId == id).Select(server => server.Id).SingleOrDefaultAsync(cancellationToken) is { } server)
        {
            throw new ConflictException($"Server '{server}' was made from this entry and is in use. Remove it first (DELETE /api/mcp-servers/{server}).");
        }

        db.CatalogEntries.Remove(row);
        db.NoteChange(time.Now(), caller.UserId, "delete", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<CatalogEntryView?> PreviewTools(Principal caller, string id, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        CatalogValidation.CheckManages(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.CatalogEntries.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        var tools = await TryOutAsync(caller, encryption.DecryptEntry(row), values, cancellationToken);
        row.ToolPreview = JsonSerializer.Serialize(tools, JsonSerializerOptions.Web);
        db.NoteChange(time.Now(), caller.UserId, "preview-tools", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return (await EntryViews.ManyAsync(db, encryption, [row], cancellationToken))[0];
    }

    public async Task<EntryIcon?> Icon(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await RowAsync(db, caller, id, cancellationToken) is { Icon: { } address } ? await icons.GetAsync(address, cancellationToken) ?? EntryIcons.None : null;
    }

    /// <summary>A server of the caller's own that lives as long as this call.</summary>
    private async Task<IReadOnlyList<PreviewTool>> TryOutAsync(Principal caller, ServerManifest manifest, IReadOnlyDictionary<string, string> values, CancellationToken cancellationToken)
    {
        var server = await servers.Create(caller, manifest with { ServerUserType = ServerUserTypes.SingleUser }, cancellationToken);
        try
        {
            if (values.Count > 0)
            {
                await servers.Configure(caller, server.Id, values, cancellationToken);
            }

            var tools = await servers.Tools(caller, server.Id, cancellationToken) ?? [];
            return [.. tools.Select(tool => new PreviewTool(tool.Name, tool.Description, Parameters(tool.InputSchema)))];
        }
        finally
        {
            await servers.Delete(caller, server.Id, CancellationToken.None);
        }
    }

    private static Dictionary<string, string>? Parameters(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object
            ? properties.EnumerateObject().ToDictionary(
                property => property.Name,
                property => property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("description", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "",
                StringComparer.Ordinal)
            : null;

    private static void CheckOwn(CatalogEntryRow row)
    {
        if (row.SourceUrl is not null)
        {
            throw new ConflictException($"The entry is managed by '{row.SourceUrl}' ({row.Path}, line {row.Line}): change it there.");
        }
    }

    private static async Task<CatalogEntryRow?> RowAsync(ObotDb db, Principal caller, string id, CancellationToken cancellationToken) =>
        await (await EntrySight.OfAsync(db, caller, cancellationToken)).Of(db, db.CatalogEntries.AsNoTracking()).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
}
