using System.Text;
using Obot.Shim.Boot;

namespace Obot.Shim.Bridge.Boot;

/// <summary>
/// Standard error of all children, and their unexpected ends, as <c>log</c> events: each line at most 4 KiB, so many a second, the rest counted.
/// </summary>
internal sealed class ServerLog(EventWriter events, TimeProvider time)
{
    public const int MaxLineBytes = 4096;
    private const int LinesPerSecond = 200;
    private const int Burst = 400;

    private readonly Lock gate = new();
    private double tokens = Burst;
    private long refilled = time.GetTimestamp();
    private long dropped;

    /// <summary>Never blocks. Bytes that are not UTF-8 are replaced.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        lock (gate)
        {
            if (!TakeToken())
            {
                dropped++;
                return;
            }

            if (dropped > 0 && events.TryLog($"… {dropped} lines dropped"))
            {
                dropped = 0;
            }

            if (!events.TryLog(Decode(line)))
            {
                dropped++;
            }
        }
    }

    /// <summary>A line of the bridge's own about the server, which no flood holds back.</summary>
    public void Say(string line)
    {
        lock (gate)
        {
            if (!events.TryLog(line))
            {
                dropped++;
            }
        }
    }

    /// <summary>Says what is still uncounted; called when the flood may be over.</summary>
    public void Flush()
    {
        lock (gate)
        {
            if (dropped > 0 && events.TryLog($"… {dropped} lines dropped"))
            {
                dropped = 0;
            }
        }
    }

    /// <summary>Cuts between two characters, so that the text is at most <see cref="MaxLineBytes"/> of UTF-8 again.</summary>
    public static string Decode(ReadOnlySpan<byte> line)
    {
        var text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, MaxLineBytes)]);
        while (Encoding.UTF8.GetByteCount(text) > MaxLineBytes)
        {
            text = text[..^Math.Max(1, (Encoding.UTF8.GetByteCount(text) - MaxLineBytes) / 3)];
        }

        return text;
    }

    private bool TakeToken()
    {
        var now = time.GetTimestamp();
        tokens = Math.Min(Burst, tokens + (time.GetElapsedTime(refilled, now).TotalSeconds * LinesPerSecond));
        refilled = now;
        if (tokens < 1)
        {
            return false;
        }

        tokens--;
        return true;
    }
}
