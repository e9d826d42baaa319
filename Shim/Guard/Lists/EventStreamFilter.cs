namespace Obot.Shim.Guard.Lists;

/// <summary>
/// Copies server-sent events and screens the messages in them. Events that stay as they are, comments and keep-alives pass byte for byte; one
/// event at a time is kept in memory. (WHATWG HTML, "Server-sent events": lines end with LF, CR or both.)
/// </summary>
/// <param name="screen">The message as it goes on: the same memory when it stays, null when nothing of it does.</param>
internal sealed class EventStreamFilter(Func<ReadOnlyMemory<byte>, ValueTask<ReadOnlyMemory<byte>?>> screen, int maxBytes)
{
    private static readonly byte[] Bom = [0xEF, 0xBB, 0xBF];

    private readonly List<Range> lines = [];
    private byte[] buffer = new byte[4096];
    private int length;
    private int scanned;
    private int lineStart;
    private bool begun;

    /// <exception cref="UnfilterableException">An event is too large, or is no JSON-RPC message.</exception>
    public async Task CopyAsync(Stream source, Stream target, TimeSpan silence, CancellationToken cancellationToken)
    {
        using var quiet = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ended = false;
        while (!ended)
        {
            quiet.CancelAfter(silence);
            var read = await source.ReadAsync(buffer.AsMemory(length), quiet.Token);
            length += read;
            ended = read == 0;
            SkipBom(ended);
            while (TryFindEvent(ended, out var end))
            {
                await WriteAsync(target, end, cancellationToken);
                Drop(end);
            }

            await target.FlushAsync(cancellationToken);
            Grow();
        }
    }

    /// <summary>A client drops it, so it must not hide a field from us.</summary>
    private void SkipBom(bool ended)
    {
        if (begun || (length < Bom.Length && !ended))
        {
            return;
        }

        begun = true;
        if (buffer.AsSpan(0, length).StartsWith(Bom))
        {
            Drop(Bom.Length);
        }
    }

    private bool TryFindEvent(bool ended, out int end)
    {
        end = 0;
        while (begun && buffer.AsSpan(scanned, length - scanned).IndexOfAny((byte)'\n', (byte)'\r') is var found and >= 0)
        {
            var at = scanned + found;
            var next = at + 1;
            if (buffer[at] == '\r')
            {
                if (next == length && !ended)
                {
                    // the LF that belongs to it may be on its way
                    scanned = at;
                    return false;
                }

                next += next < length && buffer[next] == '\n' ? 1 : 0;
            }

            var isBlank = at == lineStart;
            lines.Add(lineStart..at);
            scanned = lineStart = next;
            if (isBlank)
            {
                end = next;
                return true;
            }
        }

        scanned = Math.Max(scanned, length);
        return false;
    }

    private async Task WriteAsync(Stream target, int end, CancellationToken cancellationToken)
    {
        var data = Data();
        var screened = data.Length == 0 ? data : await screen(data);
        if (screened is { } same && same.Equals(data))
        {
            await target.WriteAsync(buffer.AsMemory(0, end), cancellationToken);
            return;
        }

        using var rewritten = new MemoryStream((screened?.Length ?? 0) + 64);
        foreach (var line in lines.Where(line => line.Start.Value != line.End.Value && !IsData(buffer.AsSpan(line), out _)))
        {
            rewritten.Write(buffer.AsSpan(line));
            rewritten.WriteByte((byte)'\n');
        }

        // an event without data is none to a client, but its id still counts for a resumption
        if (screened is { } message)
        {
            foreach (var part in message.Span.Split((byte)'\n'))
            {
                rewritten.Write("data: "u8);
                rewritten.Write(message.Span[part]);
                rewritten.WriteByte((byte)'\n');
            }
        }

        rewritten.WriteByte((byte)'\n');
        await target.WriteAsync(rewritten.GetBuffer().AsMemory(0, (int)rewritten.Length), cancellationToken);
    }

    /// <summary>What a client would put together from the event's lines.</summary>
    private ReadOnlyMemory<byte> Data()
    {
        using var data = new MemoryStream();
        foreach (var line in lines)
        {
            if (IsData(buffer.AsSpan(line), out var value))
            {
                if (data.Length > 0)
                {
                    data.WriteByte((byte)'\n');
                }

                data.Write(value);
            }
        }

        return data.GetBuffer().AsMemory(0, (int)data.Length);
    }

    private static bool IsData(ReadOnlySpan<byte> line, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!line.StartsWith("data"u8) || (line.Length > 4 && line[4] != ':'))
        {
            return false;
        }

        value = line.Length > 4 ? line[5..] : default;
        value = value.StartsWith(" "u8) ? value[1..] : value;
        return true;
    }

    private void Drop(int count)
    {
        buffer.AsSpan(count, length - count).CopyTo(buffer);
        length -= count;
        scanned = lineStart = 0;
        lines.Clear();
    }

    private void Grow()
    {
        if (length == buffer.Length)
        {
            Array.Resize(ref buffer, length < maxBytes ? Math.Min(length * 2, maxBytes) : throw new UnfilterableException($"an event of it is larger than {maxBytes} bytes"));
        }
    }
}
