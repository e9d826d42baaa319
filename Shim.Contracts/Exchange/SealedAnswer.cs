using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Obot.Shim.Contracts.Exchange;

/// <summary>
/// Encryption to one guard: JWE compact serialization (RFC 7516) with <c>ECDH-ES</c> on P-256 and <c>A256GCM</c> (RFC 7518, sections 4.6 and
/// 5.3). No other algorithm is known here, so none can be asked for.
/// </summary>
public static class SealedAnswer
{
    private const int KeyBits = 256;
    private const int NonceLength = 12;
    private const int TagLength = 16;

    /// <param name="recipient">SubjectPublicKeyInfo of a P-256 key.</param>
    /// <exception cref="CryptographicException">It is no such key.</exception>
    public static string Seal(ReadOnlySpan<byte> recipient, ReadOnlySpan<byte> plaintext)
    {
        using var theirs = ECDiffieHellman.Create();
        theirs.ImportSubjectPublicKeyInfo(recipient, out _);
        using var ours = ECDiffieHellman.Create(ECCurve.NamedCurves.nistP256);
        var point = ours.ExportParameters(includePrivateParameters: false).Q;
        var header = Base64Url.EncodeToString(Encoding.ASCII.GetBytes(
            $$$"""{"alg":"ECDH-ES","enc":"A256GCM","epk":{"kty":"EC","crv":"P-256","x":"{{{Base64Url.EncodeToString(point.X)}}}","y":"{{{Base64Url.EncodeToString(point.Y)}}}"}}"""));
        var (ciphertext, tag, nonce) = (new byte[plaintext.Length], new byte[TagLength], RandomNumberGenerator.GetBytes(NonceLength));
        using var aes = new AesGcm(KeyOf(ours, theirs), TagLength);
        aes.Encrypt(nonce, plaintext, ciphertext, tag, Encoding.ASCII.GetBytes(header));
        return $"{header}..{Base64Url.EncodeToString(nonce)}.{Base64Url.EncodeToString(ciphertext)}.{Base64Url.EncodeToString(tag)}";
    }

    /// <exception cref="CryptographicException">It was not sealed for this key, or was changed.</exception>
    public static byte[] Open(ECDiffieHellman key, string text)
    {
        try
        {
            if (text.Split('.') is not [var header, "", var nonce, var ciphertext, var tag])
            {
                throw new CryptographicException("This is no JWE with direct key agreement.");
            }

            using var document = JsonDocument.Parse(Base64Url.DecodeFromChars(header));
            var (root, epk) = (document.RootElement, document.RootElement.GetProperty("epk"));
            if (root.GetProperty("alg").GetString() != "ECDH-ES" || root.GetProperty("enc").GetString() != "A256GCM" || epk.GetProperty("crv").GetString() != "P-256")
            {
                throw new CryptographicException("This JWE is of another kind.");
            }

            using var theirs = ECDiffieHellman.Create(new ECParameters
            {
                Curve = ECCurve.NamedCurves.nistP256, Q = new() { X = Base64Url.DecodeFromChars(epk.GetProperty("x").GetString()), Y = Base64Url.DecodeFromChars(epk.GetProperty("y").GetString()) },
            });
            var sealedBytes = Base64Url.DecodeFromChars(ciphertext);
            var plaintext = new byte[sealedBytes.Length];
            using var aes = new AesGcm(KeyOf(key, theirs), TagLength);
            aes.Decrypt(Base64Url.DecodeFromChars(nonce), sealedBytes, Base64Url.DecodeFromChars(tag), plaintext, Encoding.ASCII.GetBytes(header));
            return plaintext;
        }
        catch (Exception e) when (e is JsonException or FormatException or KeyNotFoundException or InvalidOperationException or ArgumentException)
        {
            throw new CryptographicException("This is no JWE of ours.", e);
        }
    }

    /// <summary>Concat KDF (RFC 7518, section 4.6.2) with empty party information: one round of SHA-256.</summary>
    private static byte[] KeyOf(ECDiffieHellman own, ECDiffieHellman other)
    {
        using var publicKey = other.PublicKey;
        var secret = own.DeriveRawSecretAgreement(publicKey);
        var algorithm = "A256GCM"u8;
        var input = new byte[4 + secret.Length + 4 + algorithm.Length + 4 + 4 + 4];
        BinaryPrimitives.WriteInt32BigEndian(input, 1);
        secret.CopyTo(input, 4);
        var at = 4 + secret.Length;
        BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(at), algorithm.Length);
        algorithm.CopyTo(input.AsSpan(at + 4));
        BinaryPrimitives.WriteInt32BigEndian(input.AsSpan(input.Length - 4), KeyBits);
        return SHA256.HashData(input);
    }
}
