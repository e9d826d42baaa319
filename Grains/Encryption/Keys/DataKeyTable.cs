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
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.DataKey, row.Id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return row.Id;
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
