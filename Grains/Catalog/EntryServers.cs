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

/// <inheritdoc cref="IEntryServers"/>
internal sealed class EntryServers(
    IDbContextFactory<ObotDb> databases, EntryDeployments deployments, ServerViews views, IMcpServers servers, IEncryption encryption, TimeProvider time) : IEntryServers
{
    public async Task<McpServerView?> Deploy(Principal caller, string entryId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var sight = await EntrySight.OfAsync(db, caller, cancellationToken);
        if (!await sight.Of(db, db.CatalogEntries.AsNoTracking()).AnyAsync(row => row.Id == entryId, cancellationToken))
        {
            return null;
        }

        var row = await deployments.FindOrMakeAsync(db, entryId, caller.Role >= Role.Admin ? caller.UserId : null, cancellationToken);
        return row is null ? null : await views.OneAsync(db, caller, row, cancellationToken);
    }

    public async Task<ServerDrift?> Drift(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await RowAsync(db, caller, serverId, cancellationToken) is not { CatalogEntryId: { } entryId } row)
        {
            return null;
        }

        ServerSight.CheckManages(caller, row);
        var entry = await db.CatalogEntries.AsNoTracking().SingleOrDefaultAsync(one => one.Id == entryId, cancellationToken);
        if (entry is not { RemovedAt: null })
        {
            return new(serverId, entryId, false, true, row.CatalogEntryRevision, entry?.Revision, []);
        }

        var fields = ManifestDiff.Of(encryption.DecryptManifest(row), encryption.DecryptEntry(entry));
        return new(serverId, entryId, fields.Count > 0, false, row.CatalogEntryRevision, entry.Revision, fields);
    }

    public async Task<McpServerView?> Apply(Principal caller, string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await RowAsync(db, caller, serverId, cancellationToken) is not { CatalogEntryId: { } entryId } row)
        {
            return null;
        }

        ServerSight.CheckManages(caller, row);
        var entry = await db.CatalogEntries.AsNoTracking().SingleOrDefaultAsync(one => one.Id == entryId && one.RemovedAt == null, cancellationToken)
            ?? throw new ConflictException("The source has the entry no more: there is nothing to apply. The server goes on as it is.");
        var manifest = encryption.DecryptEntry(entry);
        var fields = ManifestDiff.Of(encryption.DecryptManifest(row), manifest);
        var view = fields.Count == 0 ? await servers.Find(caller, serverId, cancellationToken) : await servers.Update(caller, serverId, manifest, cancellationToken);

        // revision of the entry, not of the server: nobody who reads the server in between sees anything wrong
        await db.Servers.Where(one => one.Id == serverId).ExecuteUpdateAsync(set => set.SetProperty(one => one.CatalogEntryRevision, entry.Revision), cancellationToken);
        await db.WriteChangeAsync(
            time.Now(), caller.UserId, "apply-entry", "mcp-servers", serverId, manifest.Name,
            JsonSerializer.Serialize(new { catalogEntryID = entryId, revision = entry.Revision, fields = fields.Select(field => field.Field) }, JsonSerializerOptions.Web), cancellationToken);
        return view;
    }

    private static async Task<ServerRow?> RowAsync(ObotDb db, Principal caller, string serverId, CancellationToken cancellationToken) =>
        await ServerSight.FindAsync(db, db.Servers.AsNoTracking(), caller, serverId, cancellationToken);
}
