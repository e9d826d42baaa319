using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Obot.Shim.Contracts.Audit;

/// <summary>
/// Puts one record together, in a buffer that is used again: <c>length (4) · CRC-32C (4) · version (1) · id (16) · at (8) · duration (8) · status (2) ·
/// request bytes (8) · response bytes (8) · members</c>, little endian, times in microseconds. Order of calls: <see cref="Begin"/>, then
/// <see cref="BeginDetail"/> with headers and bodies and <see cref="EndDetail"/>, then <see cref="End"/>.
/// </summary>
public sealed class FrameWriter
{
    internal const int Header = 8;
    internal const int Fixed = 1 + 16 + 8 + 8 + 2 + 8 + 8;
    private const int Start = 512;
    private const int Keep = 256 * 1024;

    private byte[] buffer = [];
    private int length;
    private int detailAt;

    /// <summary>The frame, after <see cref="End"/>.</summary>
    public ReadOnlySpan<byte> Written => buffer.AsSpan(0, length);

    /// <summary>Everything of the record but <see cref="AuditRecord.Detail"/>.</summary>
    public void Begin(AuditRecord record)
    {
        if (buffer.Length == 0)
        {
            buffer = ArrayPool<byte>.Shared.Rent(Start);
        }

        length = Header;
        var span = Take(Fixed);
        span[0] = AuditTags.Version;
        record.Id.TryWriteBytes(span[1..], bigEndian: true, out _);
        BinaryPrimitives.WriteInt64LittleEndian(span[17..], record.At.UtcTicks / TimeSpan.TicksPerMicrosecond);
        BinaryPrimitives.WriteInt64LittleEndian(span[25..], record.Duration.Ticks / TimeSpan.TicksPerMicrosecond);
        BinaryPrimitives.WriteInt16LittleEndian(span[33..], (short)record.Status);
        BinaryPrimitives.WriteInt64LittleEndian(span[35..], record.RequestBytes);
        BinaryPrimitives.WriteInt64LittleEndian(span[43..], record.ResponseBytes);
        Text(AuditTags.UserId, record.UserId);
        Text(AuditTags.CredentialId, record.CredentialId);
        Text(AuditTags.ClientName, record.ClientName);
        Text(AuditTags.ClientVersion, record.ClientVersion);
        Text(AuditTags.ServerId, record.ServerId);
        Text(AuditTags.Method, record.Method);
        Text(AuditTags.Identifier, record.Identifier);
        Text(AuditTags.Error, record.Error);
        Text(AuditTags.SessionId, record.SessionId);
        Text(AuditTags.TraceId, record.TraceId);
        Text(AuditTags.ClientIp, record.ClientIp);
        if (!record.Extra.IsEmpty)
        {
            Bytes(AuditTags.Extra, record.Extra.Span);
        }

        foreach (var filter in record.Filters)
        {
            var at = Open(AuditTags.Filter);
            Text(AuditTags.Part, filter.Name);
            Text(AuditTags.Part, filter.Outcome);
            Text(AuditTags.Part, filter.Detail is { Length: > FilterRun.MaxDetail } detail ? detail[..FilterRun.MaxDetail] : filter.Detail);
            Close(at);
        }
    }

    public void BeginDetail() => detailAt = Open(AuditTags.Detail);

    public void RequestHeader(string name, string value) => Pair(AuditTags.RequestHeader, name, value);

    public void ResponseHeader(string name, string value) => Pair(AuditTags.ResponseHeader, name, value);

    public void RequestBody(ReadOnlySpan<byte> body) => Bytes(AuditTags.RequestBody, body);

    public void ResponseBody(ReadOnlySpan<byte> body) => Bytes(AuditTags.ResponseBody, body);

    public void EndDetail() => Close(detailAt);

    public ReadOnlySpan<byte> End()
    {
        var payload = buffer.AsSpan(Header, length - Header);
        BinaryPrimitives.WriteInt32LittleEndian(buffer, payload.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(4), Frames.Checksum(payload));
        return Written;
    }

    /// <summary>Gives a buffer back that one large record left behind.</summary>
    public void Trim()
    {
        length = 0;
        if (buffer.Length > Keep)
        {
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = [];
        }
    }

    private void Text(byte tag, string? text)
    {
        if (text is null)
        {
            return;
        }

        var at = Open(tag);
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        var written = Encoding.UTF8.GetBytes(text, Take(most));
        length += written - most;
        Close(at);
    }

    private void Pair(byte tag, string name, string value)
    {
        var at = Open(tag);
        Text(AuditTags.Part, name);
        Text(AuditTags.Part, value);
        Close(at);
    }

    private void Bytes(byte tag, ReadOnlySpan<byte> content)
    {
        var at = Open(tag);
        content.CopyTo(Take(content.Length));
        Close(at);
    }

    private int Open(byte tag)
    {
        Take(5)[0] = tag;
        return length;
    }

    private void Close(int at) => BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(at - 4), length - at);

    private Span<byte> Take(int count)
    {
        if (buffer.Length - length < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(buffer.Length * 2, length + count));
            buffer.AsSpan(0, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(buffer);
            buffer = larger;
        }

        var span = buffer.AsSpan(length, count);
        length += count;
        return span;
    }
}
