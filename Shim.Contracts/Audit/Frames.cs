using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Obot.Shim.Contracts.Audit;

/// <summary>Reads what <see cref="FrameWriter"/> wrote: a row of frames, as they lie in a journal and travel in a batch.</summary>
public static class Frames
{
    /// <summary>Largest frame that anybody believes; a length above it is rubbish.</summary>
    public const int MaxFrame = 8 * 1024 * 1024;

    /// <summary>The length of the first frame, its header included; null where none can begin.</summary>
    public static int? LengthAt(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= FrameWriter.Header && BinaryPrimitives.ReadInt32LittleEndian(bytes) is >= FrameWriter.Fixed and <= MaxFrame and var payload
            ? FrameWriter.Header + payload
            : null;

    /// <summary>The records of whole frames.</summary>
    /// <param name="damaged">Frames whose content is not what was written; they are passed over.</param>
    public static List<AuditRecord> Read(ReadOnlyMemory<byte> frames, out int damaged)
    {
        var records = new List<AuditRecord>();
        damaged = 0;
        while (LengthAt(frames.Span) is { } length && frames.Length >= length)
        {
            var payload = frames[FrameWriter.Header..length];
            var isWhole = BinaryPrimitives.ReadUInt32LittleEndian(frames.Span[4..]) == Checksum(payload.Span);
            if (isWhole && Record(payload) is { } record)
            {
                records.Add(record);
            }
            else
            {
                damaged++;
            }

            frames = frames[length..];
        }

        return records;
    }

    internal static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = ~0u;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }

    /// <summary>Takes the next member off; false at the end, or where the rest is no member.</summary>
    internal static bool TryTake(ref ReadOnlyMemory<byte> rest, out byte tag, out ReadOnlyMemory<byte> content)
    {
        (tag, content) = (0, default);
        var span = rest.Span;
        if (span.Length < 5 || BinaryPrimitives.ReadInt32LittleEndian(span[1..]) is var length && (length < 0 || length > span.Length - 5))
        {
            return false;
        }

        tag = span[0];
        content = rest.Slice(5, length);
        rest = rest[(5 + length)..];
        return true;
    }

    internal static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);

    private static AuditRecord? Record(ReadOnlyMemory<byte> payload)
    {
        var span = payload.Span;
        if (span[0] != AuditTags.Version)
        {
            return null;
        }

        var texts = new string?[AuditTags.Detail];
        List<FilterRun>? filters = null;
        ReadOnlyMemory<byte> detail = default, extra = default;
        var rest = payload[FrameWriter.Fixed..];
        while (TryTake(ref rest, out var tag, out var content))
        {
            switch (tag)
            {
                case AuditTags.Detail:
                    detail = content;
                    break;
                case AuditTags.Extra:
                    extra = content;
                    break;
                case AuditTags.Filter:
                    (filters ??= []).Add(Filter(content));
                    break;
                case < AuditTags.Filter:
                    texts[tag] = Text(content);
                    break;
            }
        }

        return new()
        {
            Id = new(span.Slice(1, 16), bigEndian: true),
            At = Moment(BinaryPrimitives.ReadInt64LittleEndian(span[17..])),
            Duration = TimeSpan.FromMicroseconds(Math.Clamp(BinaryPrimitives.ReadInt64LittleEndian(span[25..]), 0, long.MaxValue / 20)),
            Status = BinaryPrimitives.ReadInt16LittleEndian(span[33..]),
            RequestBytes = BinaryPrimitives.ReadInt64LittleEndian(span[35..]),
            ResponseBytes = BinaryPrimitives.ReadInt64LittleEndian(span[43..]),
            UserId = texts[AuditTags.UserId],
            CredentialId = texts[AuditTags.CredentialId],
            ClientName = texts[AuditTags.ClientName],
            ClientVersion = texts[AuditTags.ClientVersion],
            ServerId = texts[AuditTags.ServerId],
            Method = texts[AuditTags.Method] ?? "",
            Identifier = texts[AuditTags.Identifier],
            Error = texts[AuditTags.Error],
            SessionId = texts[AuditTags.SessionId],
            TraceId = texts[AuditTags.TraceId],
            ClientIp = texts[AuditTags.ClientIp],
            Filters = filters ?? (IReadOnlyList<FilterRun>)[],
            Detail = detail,
            Extra = extra,
        };
    }

    private static DateTimeOffset Moment(long microseconds) =>
        new(Math.Clamp(microseconds, 0, DateTimeOffset.MaxValue.UtcTicks / TimeSpan.TicksPerMicrosecond) * TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);

    private static FilterRun Filter(ReadOnlyMemory<byte> content)
    {
        var parts = new List<string>(3);
        while (TryTake(ref content, out _, out var part))
        {
            parts.Add(Text(part));
        }

        return new(parts.ElementAtOrDefault(0) ?? "", parts.ElementAtOrDefault(1) ?? "", parts.ElementAtOrDefault(2));
    }
}
