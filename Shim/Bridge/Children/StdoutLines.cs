using System.Buffers;
using System.IO.Pipelines;

namespace Obot.Shim.Bridge.Children;

/// <summary>Lines of a child's standard output, as the bytes they are. No line is copied here, and none is looked at twice.</summary>
internal static class StdoutLines
{
    internal delegate void LineHandler(in ReadOnlySequence<byte> line);

    /// <summary>Reads until the end of the stream.</summary>
    /// <exception cref="InvalidDataException">A line is longer than <paramref name="maxBytes"/>.</exception>
    public static async Task ReadAsync(PipeReader reader, int maxBytes, LineHandler onLine)
    {
        long examined = 0;
        while (true)
        {
            var result = await reader.ReadAsync();
            var buffer = result.Buffer;
            while (TryTakeLine(ref buffer, ref examined, out var line))
            {
                if (line.Length > maxBytes)
                {
                    throw TooLong(maxBytes);
                }

                onLine(line);
            }

            if (buffer.Length > maxBytes)
            {
                throw TooLong(maxBytes);
            }

            examined = buffer.Length;
            reader.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private static bool TryTakeLine(ref ReadOnlySequence<byte> buffer, ref long examined, out ReadOnlySequence<byte> line)
    {
        var rest = buffer.Slice(examined);
        if (rest.PositionOf((byte)'\n') is not { } end)
        {
            line = default;
            return false;
        }

        line = buffer.Slice(0, end);
        buffer = buffer.Slice(buffer.GetPosition(1, end));
        examined = 0;
        return true;
    }

    private static InvalidDataException TooLong(int maxBytes) => new($"it wrote a message longer than {maxBytes} bytes");
}
