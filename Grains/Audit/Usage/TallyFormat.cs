using System.Buffers.Binary;

namespace Obot.Grains.Audit.Usage;

/// <summary>
/// Tallies in <c>mcp_server_days</c> and <c>mcp_tool_days</c>. Durations: <c>bucket − the one before · count</c>, both as LEB128. Users:
/// <c>index of a word − the one before</c> as LEB128, then its 64 bits, little endian. What does not end properly ends there.
/// </summary>
internal static class TallyFormat
{
    public static byte[] Durations(CallTally tally)
    {
        using var written = new MemoryStream();
        using var writer = new BinaryWriter(written);
        var before = 0;
        for (var bucket = 0; bucket < tally.Durations.Length; bucket++)
        {
            if (tally.Durations[bucket] > 0)
            {
                writer.Write7BitEncodedInt64(bucket - before);
                writer.Write7BitEncodedInt64(tally.Durations[bucket]);
                before = bucket;
            }
        }

        return written.ToArray();
    }

    public static byte[] Users(CallTally tally)
    {
        using var written = new MemoryStream();
        using var writer = new BinaryWriter(written);
        var before = 0;
        foreach (var (index, word) in tally.Users.Words.OrderBy(pair => pair.Key))
        {
            writer.Write7BitEncodedInt64(index - before);
            writer.Write(word);
            before = index;
        }

        return written.ToArray();
    }

    /// <summary>Adds to tallies what was written.</summary>
    public static void Read(ReadOnlySpan<byte> durations, ReadOnlySpan<byte> users, params ReadOnlySpan<CallTally> into)
    {
        var bucket = 0L;
        while (TryTake(ref durations, out var step) && TryTake(ref durations, out var calls))
        {
            bucket += step;
            foreach (var tally in into)
            {
                tally.AddDurations((int)Math.Min(bucket, int.MaxValue), calls);
            }
        }

        var index = 0L;
        while (TryTake(ref users, out var step) && users.Length >= sizeof(ulong))
        {
            index += step;
            var word = BinaryPrimitives.ReadUInt64LittleEndian(users);
            users = users[sizeof(ulong)..];
            foreach (var tally in into)
            {
                tally.Users.AddWord((int)index, word);
            }
        }
    }

    private static bool TryTake(ref ReadOnlySpan<byte> from, out long value)
    {
        value = 0;
        for (var at = 0; at < from.Length && at < 9; at++)
        {
            value |= (long)(from[at] & 0x7f) << (7 * at);
            if (from[at] < 0x80)
            {
                from = from[(at + 1)..];
                return true;
            }
        }

        return false;
    }
}
