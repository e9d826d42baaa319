using Microsoft.EntityFrameworkCore;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Hosting;

namespace Obot.Grains.Catalog;

/// <summary>
/// The one server of an entry. Everyone whom a rule lets call the entry has an instance of their own behind it, or shares the one
/// instance, as the entry says; what they may do there is decided by its guard under the rules of entry and catalog. It is made when
/// somebody asks for the entry first.
/// </summary>
internal sealed class EntryDeployments(IDbContextFactory<ObotDb> databases, IEncryption encryption, TimeProvider time)
{
    /// <summary>The server, made if there is none. Null when there is no such entry, or its source has it no more and nothing was made from it.</summary>
    public async Task<ServerEntry?> FindOrMakeAsync(string entryId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return (await FindOrMakeAsync(db, entryId, null, cancellationToken))?.Entry();
    }

    /// <param name="maker">Administrator who asks for it; null for somebody who only uses it: then it is whose the entry is.</param>
    public async Task<ServerRow?> FindOrMakeAsync(ObotDb db, string entryId, string? maker, CancellationToken cancellationToken)
    {
        if (await db.Servers.AsNoTracking().SingleOrDefaultAsync(row => row.CatalogEntryId == entryId, cancellationToken) is { } known)
        {
            return known;
        }

        if (await db.CatalogEntries.AsNoTracking().SingleOrDefaultAsync(row => row.Id == entryId && row.RemovedAt == null, cancellationToken) is not { } entry)
        {
            return null;
        }

        var server = Row(entry, maker ?? entry.OwnerId);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        try
        {
            // a synchronization that removes the entry waits for us, or we for it
            if (await db.Database.ExecuteSqlAsync($"UPDATE mcp_catalog_entries SET updated_at = updated_at WHERE id = {entryId}", cancellationToken) == 0)
            {
                return null;
            }

            db.Servers.Add(server);
            db.NoteChange(server.CreatedAt, server.OwnerId, "create", "mcp-servers", server.Id, server.Name, $$"""{"catalogEntryID":"{{entryId}}"}""");
            await db.SaveChangesAsync(cancellationToken);
            await db.AnnounceAsync(SecurityChangeKinds.Server, server.Id, cancellationToken);
            await db.AnnounceAsync(SecurityChangeKinds.Server, entryId, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return server;
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            // another silo was asked at the same time
            await transaction.RollbackAsync(cancellationToken);
            db.ChangeTracker.Clear();
            return await db.Servers.AsNoTracking().SingleOrDefaultAsync(row => row.CatalogEntryId == entryId, cancellationToken);
        }
    }

    private ServerRow Row(CatalogEntryRow entry, string ownerId)
    {
        var manifest = encryption.DecryptEntry(entry);
        var now = time.Now();
        var row = new ServerRow
        {
            Id = RandomId.New("ms1"),
            OwnerId = ownerId,
            Name = manifest.Name,
            Manifest = "",
            Revision = 1,
            PerUser = manifest.IsPerUser,
            CreatedAt = now,
            UpdatedAt = now,
            CatalogEntryId = entry.Id,
            CatalogId = entry.CatalogId,
            CatalogEntryRevision = entry.Revision,
        };
        row.Manifest = encryption.EncryptManifest(row.Id, manifest);
        return row;
    }
}
