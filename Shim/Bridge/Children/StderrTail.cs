using System.Text;
using Obot.Shim.Bridge.Boot;

namespace Obot.Shim.Bridge.Children;

/// <summary>Assembles lines of standard error: each goes to the log, the last ones are kept for the message of a failure.</summary>
internal sealed class StderrTail(ServerLog log)
{
    private const int KeptLines = 20;
    private const int KeptBytes = 512;

    private readonly Lock gate = new();
    private readonly Queue<string> last = new(KeptLines);
    private readonly byte[] line = new byte[ServerLog.MaxLineBytes];
    private int length;

    /// <summary>Reads until the end. A flood costs time, not memory.</summary>
    public async Task ReadAsync(Stream stream)
    {
        var buffer = new byte[4096];
        try
        {
            int read;
            while ((read = await stream.ReadAsync(buffer)) > 0)
            {
                Add(buffer.AsSpan(0, read));
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // the child is gone
        }

        EndLine();
        log.Flush();
    }

    public string LastLine
    {
        get
        {
            lock (gate)
            {
                return last.LastOrDefault() ?? string.Empty;
            }
        }
    }

    public override string ToString()
    {
        lock (gate)
        {
            return string.Join('\n', last);
        }
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var end = bytes.IndexOf((byte)'\n');
            var part = end < 0 ? bytes : bytes[..end];
            var kept = part[..Math.Min(part.Length, line.Length - length)];
            kept.CopyTo(line.AsSpan(length));
            length += kept.Length;
            if (end < 0)
            {
                return;
            }

            EndLine();
            bytes = bytes[(end + 1)..];
        }
    }

    private void EndLine()
    {
        var text = line.AsSpan(0, length).TrimEnd("\r "u8);
        length = 0;
        if (text.IsEmpty)
        {
            return;
        }

        log.Write(text);
        lock (gate)
        {
            if (last.Count == KeptLines)
            {
                last.Dequeue();
            }

            last.Enqueue(Encoding.UTF8.GetString(text[..Math.Min(text.Length, KeptBytes)]));
        }
    }
}
