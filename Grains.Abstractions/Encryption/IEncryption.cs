namespace Obot.Grains.Abstractions.Encryption;

/// <summary>
/// Port: encryption at rest. AES-256-GCM under a key of its own for each value, derived from the cluster's data key, which a KMS
/// wraps. From memory, no I/O: a few microseconds a value. Only a value under a data key that this silo has not met yet costs a
/// question to the database and the KMS, once.
/// </summary>
public interface IEncryption
{
    /// <summary>Bytes that a value grows by.</summary>
    static int Overhead => 52;

    /// <param name="place">The value's identity: it opens nowhere else.</param>
    /// <param name="plaintext">Any length, nothing included.</param>
    /// <returns>Header (format, data key's id, nonce), ciphertext, tag; <see cref="Overhead"/> bytes more than the plaintext.</returns>
    /// <exception cref="KeyServiceDeniedException">The KMS takes the key away.</exception>
    /// <exception cref="KeyServiceUnreachableException">The KMS was not reached for longer than the configuration allows.</exception>
    byte[] Encrypt(in SecretPlace place, ReadOnlySpan<byte> plaintext);

    /// <param name="place">The same identity that it was encrypted for.</param>
    /// <param name="ciphertext">What <see cref="Encrypt"/> returned.</param>
    /// <exception cref="CiphertextException">It was changed, cut, or moved here from another place.</exception>
    /// <exception cref="DataKeyUnknownException">Its data key is not in this database.</exception>
    /// <exception cref="KeyServiceDeniedException">The KMS takes the key away.</exception>
    /// <exception cref="KeyServiceUnreachableException">The KMS was not reached for longer than the configuration allows.</exception>
    byte[] Decrypt(in SecretPlace place, ReadOnlySpan<byte> ciphertext);

    /// <summary>
    /// Like <see cref="Decrypt"/>, for places that held plaintext before there was encryption: what has no header is returned as it is.
    /// </summary>
    /// <exception cref="CiphertextException">Also for plaintext, where <c>Obot:Encryption:ReadPlaintext</c> is false.</exception>
    byte[] DecryptOrPlain(in SecretPlace place, ReadOnlySpan<byte> stored);

    /// <summary>Whether it begins as <see cref="Encrypt"/> begins: it may still be forged.</summary>
    bool IsEncrypted(ReadOnlySpan<byte> stored);

    /// <summary>
    /// HMAC-SHA256 of a value under a key derived for the purpose, to find encrypted values by equality: 32 bytes, the same on every
    /// silo and after every rotation of data keys. Bring the value into one form first (case, blanks).
    /// </summary>
    byte[] BlindIndex(string purpose, string value);
}

/// <summary>Where a value lives, as associated data: ciphertext that was moved between rows or columns does not open.</summary>
/// <param name="Type">Table, or name of a grain's state.</param>
/// <param name="Id">Primary key within it.</param>
/// <param name="Field">Column.</param>
public readonly record struct SecretPlace(string Type, string Id, string Field)
{
    public override string ToString() => $"{Type} '{Id}' ({Field})";
}
