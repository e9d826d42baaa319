using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Encryption;

/// <summary>Port: the keys of encryption at rest, for administrators.</summary>
public interface IEncryptionKeys
{
    /// <summary>Keys, and how far re-encryption is. Counts rows, so it is not for every second on a large database.</summary>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    Task<EncryptionView> Get(Principal caller, CancellationToken cancellationToken);

    /// <summary>
    /// Makes a new data key the one that is written with, on every silo within a second; everything else is re-encrypted in the
    /// background, and then the key before is retired.
    /// </summary>
    /// <exception cref="NotAllowedException">The caller is not the owner.</exception>
    /// <exception cref="EncryptionException">The KMS will not wrap a key; nothing was changed.</exception>
    Task<EncryptionView> Rotate(Principal caller, CancellationToken cancellationToken);
}

/// <param name="Provider">Who wraps new data keys: <c>local</c>, <c>aws</c>, <c>azure</c>, <c>gcp</c>.</param>
/// <param name="KmsKey">The key that wraps them.</param>
/// <param name="ActiveKey">Data key that values are written with.</param>
/// <param name="Remaining">Values that are plaintext or under another data key, all columns together.</param>
/// <param name="Keys">Data keys, oldest first.</param>
public sealed record EncryptionView(
    string Provider, string KmsKey, string ActiveKey, long Remaining, IReadOnlyList<EncryptedColumnView> Columns, IReadOnlyList<DataKeyView> Keys);

/// <param name="Column"><c>table.column</c>.</param>
/// <param name="Values">Rows that have a value there.</param>
/// <param name="Remaining">How many of them are plaintext or under another data key than the active one.</param>
public sealed record EncryptedColumnView(string Column, long Values, long Remaining);

/// <param name="Purpose"><c>data</c>, or <c>index</c>: blind indexes, never rotated.</param>
/// <param name="State"><c>active</c>; <c>superseded</c>: read, not written with; <c>expiring</c>: only append-only
/// records need it, until their days are dropped; <c>retired</c>: nothing of this database needs it.</param>
public sealed record DataKeyView(
    string Id, string Purpose, string Provider, string KmsKey, string State, DateTimeOffset CreatedAt, DateTimeOffset? SupersededAt, DateTimeOffset? RetiredAt);
