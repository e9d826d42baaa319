using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Obot.Shim.Contracts.Audit;

/// <summary>
/// Encrypts the frames of one journal on its way to disk. A segment begins with <c>"OJW1" · number (4) · salt (16) · check (16)</c>; what follows are boxes:
/// <c>length (4) · AES-256-GCM ciphertext of one frame · tag (16)</c>, little endian. The key is HKDF-SHA256 of the instance's key and the journal's salt, the
/// nonce <c>number · offset of the box</c>, which no two boxes under one key share; the check says whether a key is the right one. One thread at a time.
/// </summary>
internal sealed class SegmentSeal : IDisposable
{
    public const int Header = 4 + 4 + SaltLength + CheckLength;
    public const int Overhead = sizeof(int) + TagLength;
    private const int SaltLength = 16;
    private const int CheckLength = 16;
    private const int TagLength = 16;
    private const int NonceLength = 12;

    private readonly byte[] salt;
    private readonly byte[] check;
    private readonly AesGcm cipher;

    private SegmentSeal(ReadOnlySpan<byte> key, ReadOnlySpan<byte> salt)
    {
        this.salt = salt.ToArray();
        Span<byte> derived = stackalloc byte[32 + CheckLength];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, derived, salt, "obot audit journal v1"u8);
        cipher = new(derived[..32], TagLength);
        check = derived[32..].ToArray();
        CryptographicOperations.ZeroMemory(derived);
    }

    // no whole frame of a journal that is not encrypted begins so: its length would be negative or beyond belief
    private static ReadOnlySpan<byte> Magic => "OJW1"u8;

    public static SegmentSeal New(ReadOnlySpan<byte> key) => new(key, RandomNumberGenerator.GetBytes(SaltLength));

    /// <summary>Of a segment that is there; null when it is not encrypted.</summary>
    /// <exception cref="CryptographicException">It is encrypted with another key.</exception>
    public static SegmentSeal? Of(ReadOnlySpan<byte> header, ReadOnlySpan<byte> key)
    {
        if (header.Length < Header || !header.StartsWith(Magic))
        {
            return null;
        }

        var seal = new SegmentSeal(key, header.Slice(8, SaltLength));
        if (CryptographicOperations.FixedTimeEquals(header[(8 + SaltLength)..Header], seal.check))
        {
            return seal;
        }

        seal.Dispose();
        throw new CryptographicException("the journal is encrypted with a key of somebody else");
    }

    public static int NumberOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadInt32LittleEndian(header[4..]);

    public byte[] HeaderOf(int number)
    {
        var header = new byte[Header];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), number);
        salt.CopyTo(header.AsSpan(8));
        check.CopyTo(header.AsSpan(8 + SaltLength));
        return header;
    }

    /// <param name="offset">Where in the segment the box will lie.</param>
    /// <param name="box">As long as the frame and <see cref="Overhead"/>.</param>
    public void Close(ReadOnlySpan<byte> frame, int number, long offset, Span<byte> box)
    {
        BinaryPrimitives.WriteInt32LittleEndian(box, frame.Length);
        Span<byte> nonce = stackalloc byte[NonceLength];
        Nonce(nonce, number, offset);
        cipher.Encrypt(nonce, frame, box.Slice(sizeof(int), frame.Length), box.Slice(sizeof(int) + frame.Length, TagLength));
    }

    /// <summary>Length of the box that begins here, or null where none can.</summary>
    public static int? LengthAt(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= sizeof(int) && BinaryPrimitives.ReadInt32LittleEndian(bytes) is > 0 and <= Frames.MaxFrame + FrameWriter.Header and var length ? length + Overhead : null;

    /// <summary>False: it is not what was written.</summary>
    public bool TryOpen(ReadOnlySpan<byte> box, int number, long offset, Span<byte> frame)
    {
        Span<byte> nonce = stackalloc byte[NonceLength];
        Nonce(nonce, number, offset);
        try
        {
            cipher.Decrypt(nonce, box[sizeof(int)..^TagLength], box[^TagLength..], frame);
            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose() => cipher.Dispose();

    private static void Nonce(Span<byte> nonce, int number, long offset)
    {
        BinaryPrimitives.WriteInt32LittleEndian(nonce, number);
        BinaryPrimitives.WriteInt64LittleEndian(nonce[4..], offset);
    }
}
