using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption;

/// <summary>
/// One key a value: HKDF-SHA256 of the data key and a random salt, then AES-256-GCM with a random nonce, 192 random bits
/// together, so that no number of values under one data key comes near a repetition.
/// </summary>
internal sealed class Envelope(DataKeys keys, IOptions<EncryptionOptions> options) : IEncryption
{
    private const int OnStack = 512;
    private readonly bool readPlaintext = options.Value.ReadPlaintext;

    private static ReadOnlySpan<byte> RecordInfo => "obot record key v1"u8;

    public byte[] Encrypt(in SecretPlace place, ReadOnlySpan<byte> plaintext)
    {
        var key = keys.Active;
        var material = keys.Material(key);
        var stored = new byte[SealedFormat.Overhead + plaintext.Length];
        var span = stored.AsSpan();
        SealedFormat.WritePrefix(span, key.Number);
        RandomNumberGenerator.Fill(span[SealedFormat.Prefix..SealedFormat.Body]);

        var length = SealedFormat.AssociatedLength(place);
        Span<byte> associated = length <= OnStack ? stackalloc byte[length] : new byte[length];
        SealedFormat.WriteAssociated(associated, span[..SealedFormat.Prefix], place);
        using var cipher = Cipher(material, span);
        cipher.Encrypt(NonceOf(span), plaintext, span[SealedFormat.Body..^SealedFormat.Tag], span[^SealedFormat.Tag..], associated);
        return stored;
    }

    public byte[] Decrypt(in SecretPlace place, ReadOnlySpan<byte> ciphertext)
    {
        if (!SealedFormat.IsMarked(ciphertext))
        {
            throw new CiphertextException(place, "it is not encrypted, or was cut");
        }

        if (ciphertext[3] != SealedFormat.Version)
        {
            throw new CiphertextException(place, $"its format is {ciphertext[3]}, this release reads {SealedFormat.Version}");
        }

        var number = SealedFormat.KeyOf(ciphertext);
        var key = keys.Find(number) ?? throw new DataKeyUnknownException(place, SealedFormat.KeyId(number));
        var material = keys.Material(key);
        var length = SealedFormat.AssociatedLength(place);
        Span<byte> associated = length <= OnStack ? stackalloc byte[length] : new byte[length];
        SealedFormat.WriteAssociated(associated, ciphertext[..SealedFormat.Prefix], place);
        var plaintext = new byte[ciphertext.Length - SealedFormat.Overhead];
        using var cipher = Cipher(material, ciphertext);
        try
        {
            cipher.Decrypt(NonceOf(ciphertext), ciphertext[SealedFormat.Body..^SealedFormat.Tag], ciphertext[^SealedFormat.Tag..], plaintext, associated);
            return plaintext;
        }
        catch (AuthenticationTagMismatchException)
        {
            throw new CiphertextException(place, $"it was changed, or moved here from another row or column (data key '{key.Id}')");
        }
    }

    public byte[] DecryptOrPlain(in SecretPlace place, ReadOnlySpan<byte> stored)
    {
        if (SealedFormat.IsMarked(stored))
        {
            return Decrypt(place, stored);
        }

        return readPlaintext
            ? stored.ToArray()
            : throw new CiphertextException(place, "it is not encrypted, and Obot:Encryption:ReadPlaintext is false");
    }

    public bool IsEncrypted(ReadOnlySpan<byte> stored) => SealedFormat.IsMarked(stored);

    public byte[] BlindIndex(string purpose, string value)
    {
        Span<byte> key = stackalloc byte[32];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, keys.Material(keys.Index), key, salt: [], info: Encoding.UTF8.GetBytes($"obot blind index v1\0{purpose}"));
        return HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(value));
    }

    private static ReadOnlySpan<byte> NonceOf(ReadOnlySpan<byte> stored) => stored.Slice(SealedFormat.Prefix + SealedFormat.Salt, SealedFormat.Nonce);

    private static AesGcm Cipher(byte[] material, ReadOnlySpan<byte> stored)
    {
        // HKDF-Expand (RFC 5869 section 2.3) of one block: HMAC(key, info | 0x01). The data key is uniform, so there is nothing to
        // extract (section 3.3); the library's HKDF costs ten times as much.
        Span<byte> key = stackalloc byte[32];
        Span<byte> info = stackalloc byte[RecordInfo.Length + SealedFormat.Salt + 1];
        RecordInfo.CopyTo(info);
        stored.Slice(SealedFormat.Prefix, SealedFormat.Salt).CopyTo(info[RecordInfo.Length..]);
        info[^1] = 1;
        HMACSHA256.HashData(material, info, key);
        var cipher = new AesGcm(key, SealedFormat.Tag);
        CryptographicOperations.ZeroMemory(key);
        return cipher;
    }
}
