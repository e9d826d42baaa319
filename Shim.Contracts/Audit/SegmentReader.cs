using Microsoft.Win32.SafeHandles;

namespace Obot.Shim.Contracts.Audit;

/// <summary>Reads whole frames of one segment file.</summary>
internal static class SegmentReader
{
    /// <summary>Bytes of whole frames from the offset on; 0 when not even one is whole.</summary>
    public static int Read(SafeFileHandle file, long offset, int available, int wanted, ref byte[] buffer)
    {
        var first = Fill(file, offset, Math.Min(available, wanted), ref buffer);
        var (bytes, _) = Frames.Measure(buffer.AsSpan(0, first));
        if (bytes > 0 || first == available || Frames.LengthAt(buffer.AsSpan(0, first)) is not { } length)
        {
            return bytes;
        }

        // one frame alone is larger than what was asked for
        var all = Fill(file, offset, Math.Min(available, length), ref buffer);
        return Frames.Measure(buffer.AsSpan(0, all)).Bytes;
    }

    private static int Fill(SafeFileHandle file, long offset, int count, ref byte[] buffer)
    {
        if (buffer.Length < count)
        {
            buffer = new byte[count];
        }

        var read = 0;
        while (read < count && RandomAccess.Read(file, buffer.AsSpan(read, count - read), offset + read) is > 0 and var more)
        {
            read += more;
        }

        return read;
    }
}
