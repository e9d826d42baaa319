using System.Text;
using System.Text.Json;

namespace Obot.Gateway.Llm.Requests;

/// <summary>Changes of single places in a request's bytes; everything else goes out as it came in.</summary>
internal static class RequestEdit
{
    /// <param name="model">The provider's own name of the model.</param>
    /// <param name="askUsage">Have a stream say at its end what it used.</param>
    /// <returns>The same bytes where nothing has to change.</returns>
    public static ReadOnlyMemory<byte> Apply(ReadOnlyMemory<byte> body, RequestScan scan, string model, bool askUsage)
    {
        var edits = new List<(Place At, byte[] With)>(2);
        if (scan.Model != model)
        {
            edits.Add((scan.ModelAt, JsonSerializer.SerializeToUtf8Bytes(model)));
        }

        if (askUsage && !scan.IncludeUsage)
        {
            edits.Add(AskUsage(body.Span, scan));
        }

        return edits.Count == 0 ? body : Splice(body.Span, edits);
    }

    private static (Place At, byte[] With) AskUsage(ReadOnlySpan<byte> body, RequestScan scan)
    {
        if (scan.IncludeUsageAt.Length > 0)
        {
            return (scan.IncludeUsageAt, "true"u8.ToArray());
        }

        if (scan.StreamOptionsAt.Length == 0)
        {
            return (new(scan.ObjectAt + 1, 0), Encoding.ASCII.GetBytes($"\"stream_options\":{{\"include_usage\":true}}{(scan.IsEmpty ? "" : ",")}"));
        }

        var options = body.Slice(scan.StreamOptionsAt.Start, scan.StreamOptionsAt.Length);
        var isEmpty = options[0] != (byte)'{' || options[1..^1].IndexOfAnyExcept(" \t\r\n"u8) < 0;
        return isEmpty
            ? (scan.StreamOptionsAt, """{"include_usage":true}"""u8.ToArray())
            : (new(scan.StreamOptionsAt.Start + 1, 0), "\"include_usage\":true,"u8.ToArray());
    }

    private static byte[] Splice(ReadOnlySpan<byte> body, List<(Place At, byte[] With)> edits)
    {
        edits.Sort(static (one, other) => one.At.Start.CompareTo(other.At.Start));
        var result = new byte[body.Length + edits.Sum(static edit => edit.With.Length - edit.At.Length)];
        var (from, to) = (0, 0);
        foreach (var (at, with) in edits)
        {
            body[from..at.Start].CopyTo(result.AsSpan(to));
            to += at.Start - from;
            with.CopyTo(result, to);
            to += with.Length;
            from = at.End;
        }

        body[from..].CopyTo(result.AsSpan(to));
        return result;
    }
}
