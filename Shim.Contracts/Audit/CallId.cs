using System.Buffers.Binary;

namespace Obot.Shim.Contracts.Audit;

/// <summary>
/// Ids of calls and their records: UUIDv7 with the microsecond in the twelve bits behind the millisecond (RFC 9562, section 6.2, method 3). The gateway
/// makes one for each request and gives it to whatever generation it tries, so a call has one record however often it had to be sent.
/// </summary>
public static class CallId
{
    private const int Steps = 4096;

    public static Guid New(DateTimeOffset at)
    {
        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(at).TryWriteBytes(bytes, bigEndian: true, out _);
        var microsecond = (int)(at.UtcTicks % TimeSpan.TicksPerMillisecond / TimeSpan.TicksPerMicrosecond);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], (ushort)(0x7000 | (((microsecond * Steps) + 999) / 1000)));
        return new(bytes, bigEndian: true);
    }

    /// <summary>When it was made, to the microsecond; null for what is no UUIDv7.</summary>
    public static DateTimeOffset? TimeOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        var milliseconds = (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes) >> 16);
        return id.Version == 7 && milliseconds < DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).AddMicroseconds((BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0xFFF) * 1000 / Steps)
            : null;
    }
}
