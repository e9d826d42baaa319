using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Encryption;

/// <summary>
/// <c>mark (3) · version (1) · data key's id (8) · salt (12) · nonce (12) · ciphertext · tag (16)</c>. The mark is <c>OBOT</c> in
/// Base64, and the first 12 bytes end on a Base64 boundary: text and bytes alike are found by their prefix.
/// </summary>
internal static class SealedFormat
{
    public const byte Version = 1;
    public const int Prefix = 12;
    public const int Salt = 12;
    public const int Nonce = 12;
    public const int Tag = 16;
    public const int Body = Prefix + Salt + Nonce;
    public const int Overhead = Body + Tag;

    private static ReadOnlySpan<byte> Mark => [0x38, 0x13, 0x93];

    public static bool IsMarked(ReadOnlySpan<byte> stored) => stored.Length >= Overhead && stored.StartsWith(Mark);

    public static ulong KeyOf(ReadOnlySpan<byte> stored) => BinaryPrimitives.ReadUInt64BigEndian(stored[4..]);

    public static byte[] PrefixOf(ulong key)
    {
        var prefix = new byte[Prefix];
        WritePrefix(prefix, key);
        return prefix;
    }

    public static void WritePrefix(Span<byte> to, ulong key)
    {
        Mark.CopyTo(to);
        to[3] = Version;
        BinaryPrimitives.WriteUInt64BigEndian(to[4..], key);
    }

    public static string KeyId(ulong key) => key.ToString("x16", CultureInfo.InvariantCulture);

    public static ulong KeyNumber(string id) => ulong.Parse(id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    public static int AssociatedLength(in SecretPlace place) =>
        Prefix + 12 + Encoding.UTF8.GetByteCount(place.Type) + Encoding.UTF8.GetByteCount(place.Id) + Encoding.UTF8.GetByteCount(place.Field);

    /// <summary>Prefix, then each part of the place behind its length: no two places write the same.</summary>
    public static void WriteAssociated(Span<byte> to, ReadOnlySpan<byte> prefix, in SecretPlace place)
    {
        prefix.CopyTo(to);
        to = to[Prefix..];
        to = Write(to, place.Type);
        to = Write(to, place.Id);
        Write(to, place.Field);

        static Span<byte> Write(Span<byte> to, string text)
        {
            var length = Encoding.UTF8.GetBytes(text, to[4..]);
            BinaryPrimitives.WriteInt32BigEndian(to, length);
            return to[(4 + length)..];
        }
    }
}
