using System.Security.Cryptography;
using System.Text;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption.Local;

/// <summary>A key of 32 bytes that every silo has: AES-256-GCM, <c>nonce (12) · ciphertext · tag (16)</c>. For one machine, and where no KMS is at hand.</summary>
internal sealed class LocalKeyWrapper : IKeyWrapper
{
    public const string Name = "local";
    private const int Nonce = 12;
    private const int Tag = 16;
    private readonly byte[] key;

    /// <param name="key">32 bytes.</param>
    public LocalKeyWrapper(byte[] key)
    {
        this.key = key;
        KeyId = Convert.ToHexStringLower(HMACSHA256.HashData(key, "obot local key id"u8)[..8]);
    }

    public string Provider => Name;

    /// <summary>A fingerprint: tells two keys apart and says nothing about either.</summary>
    public string KeyId { get; }

    public string Permission => "the same Obot:Encryption:Local:Key on every silo";

    public Task<WrappedKey> WrapAsync(ReadOnlyMemory<byte> key, string context, CancellationToken cancellationToken)
    {
        var wrapped = new byte[Nonce + key.Length + Tag];
        RandomNumberGenerator.Fill(wrapped.AsSpan(0, Nonce));
        using var cipher = new AesGcm(this.key, Tag);
        cipher.Encrypt(wrapped.AsSpan(0, Nonce), key.Span, wrapped.AsSpan(Nonce, key.Length), wrapped.AsSpan(Nonce + key.Length), Encoding.UTF8.GetBytes(context));
        return Task.FromResult(new WrappedKey(KeyId, wrapped));
    }

    public Task<byte[]> UnwrapAsync(WrappedKey wrapped, string context, CancellationToken cancellationToken)
    {
        if (!string.Equals(wrapped.KeyId, KeyId, StringComparison.Ordinal))
        {
            throw new KeyServiceDeniedException(
                $"Data key '{context}' is wrapped by local key '{wrapped.KeyId}', and this silo has '{KeyId}'. Set Obot:Encryption:Local:Key (or the file encryption-key of its data folder) to the key of the silo that made it.");
        }

        var bytes = wrapped.Bytes.AsSpan();
        if (bytes.Length <= Nonce + Tag)
        {
            throw Changed(context);
        }

        var plain = new byte[bytes.Length - Nonce - Tag];
        using var cipher = new AesGcm(key, Tag);
        try
        {
            cipher.Decrypt(bytes[..Nonce], bytes[Nonce..^Tag], bytes[^Tag..], plain, Encoding.UTF8.GetBytes(context));
            return Task.FromResult(plain);
        }
        catch (AuthenticationTagMismatchException)
        {
            throw Changed(context);
        }
    }

    private KeyServiceDeniedException Changed(string context) =>
        new($"Data key '{context}' of table data_keys is not what local key '{KeyId}' wrapped: the row was changed or moved. Restore it from a backup.");
}
