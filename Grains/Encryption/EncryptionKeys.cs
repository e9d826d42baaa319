using Npgsql;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Encryption.Columns;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption;

/// <inheritdoc cref="IEncryptionKeys"/>
internal sealed class EncryptionKeys(NpgsqlDataSource database, DataKeyTable table, KeyWrappers wrappers) : IEncryptionKeys
{
    private const int TimeoutSeconds = 60;

    public Task<EncryptionView> Get(Principal caller, CancellationToken cancellationToken) => caller.Role >= Role.Admin
        ? ViewAsync(cancellationToken)
        : throw new NotAllowedException("Encryption keys are shown to administrators only.");

    public async Task<EncryptionView> Rotate(Principal caller, CancellationToken cancellationToken)
    {
        if (caller.Role < Role.Owner)
        {
            throw new NotAllowedException("Only the owner may rotate encryption keys.");
        }

        await table.RotateAsync(cancellationToken);
        return await ViewAsync(cancellationToken);
    }

    private async Task<EncryptionView> ViewAsync(CancellationToken cancellationToken)
    {
        // from the table, not from this silo's memory: the answer is the same on every silo
        var keys = await table.AllAsync(cancellationToken);
        var active = keys.Single(row => row is { Purpose: DataKeyTable.Data, SupersededAt: null });
        var columns = new List<EncryptedColumnView>();
        foreach (var column in EncryptedColumn.All)
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var command = column.Count(SealedFormat.KeyNumber(active.Id));
            (command.Connection, command.CommandTimeout) = (connection, TimeoutSeconds);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            columns.Add(new(column.Name, reader.GetInt64(0), reader.GetInt64(1)));
        }

        var expiring = await NeededByRecordsAsync(cancellationToken);
        var views = keys.Select(row => new DataKeyView(
            row.Id,
            row.Purpose,
            row.Provider,
            row.KmsKey,
            row switch { { RetiredAt: not null } when expiring.Contains(row.Id) => "expiring", { RetiredAt: not null } => "retired", { SupersededAt: not null } => "superseded", _ => "active" },
            row.CreatedAt,
            row.SupersededAt,
            row.RetiredAt));
        var wrapper = wrappers.Current;
        return new(wrapper.Provider, wrapper.KeyId, active.Id, columns.Sum(column => column.Remaining), columns, [.. views]);
    }

    /// <summary>Records are not re-encrypted: their days expire, and with the last of them the need for their key.</summary>
    private async Task<HashSet<string>> NeededByRecordsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("SELECT DISTINCT key_id FROM record_data_keys");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var ids = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            ids.Add(reader.GetString(0));
        }

        return ids;
    }
}
