using System.Text;

namespace Obot.Grains.Abstractions.Encryption;

/// <summary>The same for text: UTF-8 in, Base64 out, for columns of type text and for strings within JSON.</summary>
public static class EncryptionText
{
    /// <summary>What every encrypted text begins with: the Base64 form of the header's first bytes.</summary>
    public const string Mark = "OBOT";

    public static string EncryptText(this IEncryption encryption, in SecretPlace place, string plaintext) =>
        Convert.ToBase64String(encryption.Encrypt(place, Encoding.UTF8.GetBytes(plaintext)));

    /// <exception cref="CiphertextException">It is no Base64, was changed, cut, or moved here from another place.</exception>
    public static string DecryptText(this IEncryption encryption, in SecretPlace place, string ciphertext) =>
        Encoding.UTF8.GetString(encryption.Decrypt(place, Bytes(ciphertext) ?? []));

    /// <inheritdoc cref="IEncryption.DecryptOrPlain"/>
    public static string DecryptTextOrPlain(this IEncryption encryption, in SecretPlace place, string stored) =>
        Encoding.UTF8.GetString(encryption.DecryptOrPlain(place, Bytes(stored) ?? Encoding.UTF8.GetBytes(stored)));

    /// <inheritdoc cref="IEncryption.IsEncrypted"/>
    public static bool IsEncryptedText(this IEncryption encryption, string stored) => Bytes(stored) is { } bytes && encryption.IsEncrypted(bytes);

    private static byte[]? Bytes(string stored)
    {
        if (!stored.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        var bytes = new byte[stored.Length / 4 * 3];
        return Convert.TryFromBase64String(stored, bytes, out var length) ? bytes[..length] : null;
    }
}
