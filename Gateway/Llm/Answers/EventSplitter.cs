namespace Obot.Gateway.Llm.Answers;

/// <summary>Cuts a stream into server-sent events (WHATWG HTML, section 9.2.6), wherever its chunks end.</summary>
internal sealed class EventSplitter
{
    private const int MaxEvent = 16 * 1024 * 1024;
    private byte[] buffer = [];
    private int length;
    private int looked;

    public delegate void Handler(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> data);

    /// <summary>Whether an event has begun and not ended.</summary>
    public bool HasPart => length > 0;

    /// <param name="handler">Gets each event with the blank line that ends it, and its data without <c>data:</c>.</param>
    /// <exception cref="InvalidDataException">An event without end.</exception>
    public void Feed(ReadOnlySpan<byte> chunk, Handler handler)
    {
        if (length > 0)
        {
            Append(chunk);
            var used = Cut(buffer.AsSpan(0, length), looked, handler);
            Keep(used);
            return;
        }

        var cut = Cut(chunk, 0, handler);
        Append(chunk[cut..]);
    }

    /// <summary>What came after the last blank line.</summary>
    public void Complete(Handler handler)
    {
        if (length > 0)
        {
            handler(buffer.AsSpan(0, length), DataOf(buffer.AsSpan(0, length)));
            length = 0;
        }
    }

    private int Cut(ReadOnlySpan<byte> bytes, int from, Handler handler)
    {
        var start = 0;
        var at = Math.Max(0, from - 3);
        while (at < bytes.Length)
        {
            var newline = bytes[at..].IndexOf((byte)'\n');
            if (newline < 0)
            {
                break;
            }

            at += newline + 1;
            if (at < bytes.Length && bytes[at] == (byte)'\r' && at + 1 < bytes.Length && bytes[at + 1] == (byte)'\n')
            {
                at++;
            }

            if (at < bytes.Length && bytes[at] == (byte)'\n')
            {
                at++;
                handler(bytes[start..at], DataOf(bytes[start..at]));
                start = at;
            }
        }

        return start;
    }

    /// <summary>Of one line mostly; several are joined as the standard says.</summary>
    private static ReadOnlySpan<byte> DataOf(ReadOnlySpan<byte> raw)
    {
        ReadOnlySpan<byte> first = default;
        List<byte>? joined = null;
        var found = false;
        foreach (var range in raw.Split((byte)'\n'))
        {
            var line = raw[range].TrimEnd((byte)'\r');
            if (!line.StartsWith("data:"u8))
            {
                continue;
            }

            var data = line[5..];
            data = data.Length > 0 && data[0] == (byte)' ' ? data[1..] : data;
            if (!found)
            {
                first = data;
                found = true;
                continue;
            }

            joined ??= [.. first];
            joined.Add((byte)'\n');
            joined.AddRange(data);
        }

        return joined is null ? first : joined.ToArray();
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        looked = length;
        if (length + bytes.Length > MaxEvent)
        {
            throw new InvalidDataException($"The provider sent an event of more than {MaxEvent} bytes.");
        }

        if (buffer.Length < length + bytes.Length)
        {
            Array.Resize(ref buffer, Math.Max(4096, (length + bytes.Length) * 2));
        }

        bytes.CopyTo(buffer.AsSpan(length));
        length += bytes.Length;
    }

    private void Keep(int used)
    {
        buffer.AsSpan(used, length - used).CopyTo(buffer);
        length -= used;
        looked = length;
    }
}
