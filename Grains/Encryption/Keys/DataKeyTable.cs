using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Encryption.Keys;

/// <summary>Table <c>data_keys</c>.</summary>
internal sealed class DataKeyTable(IDbContextFactory<ObotDb> databases, KeyWrappers wrappers, TimeProvider time)
{
    public const string Data = "data";
    public const string Index = "index";

    /// <summary>"datakeys" in ASCII.</summary>
    private const long Lock = 0x646174616b657973;

    /// <summary>Longer than the feed, a reload and one repetition of it take together.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(15);

    /// <summary>All that are in use, the first ones made now where there are none.</summary>
    public async Task<IReadOnlyList<DataKeyRow>> EnsureAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        foreach (var purpose in new[] { Data, Index })
        {
            if (!await db.DataKeys.AnyAsync(row => row.Purpose == purpose && row.SupersededAt == null, cancellationToken))
            {
                var row = await MakeAsync(purpose, cancellationToken);

                // two silos may both make one; the first row stays and both read it
                await db.Database.ExecuteSqlAsync(
                    $"""
                    INSERT INTO data_keys (id, purpose, provider, kms_key, wrapped, created_at)
                    VALUES ({row.Id}, {row.Purpose}, {row.Provider}, {row.KmsKey}, {row.Wrapped}, {row.CreatedAt}) ON CONFLICT DO NOTHING
                    """,
                    cancellationToken);
            }
        }

        return await ReadAsync(cancellationToken);
    }

    /// <summary>All that are in use.</summary>
    public async Task<IReadOnlyList<DataKeyRow>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.DataKeys.AsNoTracking().Where(row => row.RetiredAt == null).ToListAsync(cancellationToken);
    }

    /// <summary>Retired ones too.</summary>
    public async Task<DataKeyRow?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.DataKeys.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
    }

    /// <summary>Makes a new data key the one that is written with, on every silo within a second of the commit. Returns its id.</summary>
    public async Task<string> RotateAsync(CancellationToken cancellationToken)
    {
        var row = await MakeAsync(Data, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
        await db.DataKeys.Where(one => one.Purpose == Data && one.SupersededAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(one => one.SupersededAt, row.CreatedAt), cancellationToken);
        db.DataKeys.Add(row);
        await RewrapAsync(db, await db.DataKeys.SingleAsync(one => one.Purpose == Index && one.SupersededAt == null, cancellationToken), cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.DataKey, row.Id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return row.Id;
    }

    /// <summary>
    /// Retires what was superseded and is needed no more. A silo may learn of a rotation a little late and write with the key before,
    /// so each stays in use for <see cref="Late"/>.
    /// </summary>
    /// <param name="active">The caller's active key; if the table has another one, nothing happens.</param>
    /// <returns>The ids of those that were retired, and whether others wait.</returns>
    public async Task<(IReadOnlyList<string> Retired, bool Waiting)> RetireAsync(string active, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
        var rows = await db.DataKeys.Where(row => row.Purpose == Data && row.RetiredAt == null).ToListAsync(cancellationToken);
        if (!rows.Exists(row => row.SupersededAt is null && row.Id == active))
        {
            return ([], true);
        }

        var now = time.Now();
        var retired = rows.Where(row => row.SupersededAt + Late <= now).ToList();
        foreach (var row in retired)
        {
            row.RetiredAt = now;
            await db.AnnounceAsync(SecurityChangeKinds.DataKey, row.Id, cancellationToken);
        }

        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return ([.. retired.Select(row => row.Id)], rows.Count - retired.Count > 1);
    }

    /// <summary>Every key there ever was, oldest first.</summary>
    public async Task<IReadOnlyList<DataKeyRow>> AllAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.DataKeys.AsNoTracking().OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).ToListAsync(cancellationToken);
    }

    /// <summary>The index key is never replaced; what wraps it follows the configuration.</summary>
    private async Task RewrapAsync(ObotDb db, DataKeyRow row, CancellationToken cancellationToken)
    {
        var material = await wrappers.UnwrapAsync(row.Provider, new(row.KmsKey, row.Wrapped), row.Id, cancellationToken);
        var wrapped = await wrappers.WrapAsync(material, row.Id, cancellationToken);
        CryptographicOperations.ZeroMemory(material);
        (row.Provider, row.KmsKey, row.Wrapped) = (wrappers.Current.Provider, wrapped.KeyId, wrapped.Bytes);
        db.Update(row);
    }

    private async Task<DataKeyRow> MakeAsync(string purpose, CancellationToken cancellationToken)
    {
        var material = RandomNumberGenerator.GetBytes(32);
        var id = RandomNumberGenerator.GetHexString(16, lowercase: true);
        var provider = wrappers.Current.Provider;
        var wrapped = await wrappers.WrapAsync(material, id, cancellationToken);
        CryptographicOperations.ZeroMemory(material);
        return new() { Id = id, Purpose = purpose, Provider = provider, KmsKey = wrapped.KeyId, Wrapped = wrapped.Bytes, CreatedAt = time.Now() };
    }
}
