using Microsoft.Win32.SafeHandles;

namespace Obot.Shim.Contracts.Audit;

/// <summary>Reads whole frames of one segment file, encrypted or, of an earlier version, plain.</summary>
internal sealed class SegmentReader : IDisposable
{
    private readonly SafeFileHandle file;
    private readonly SegmentSeal? seal;
    private readonly int number;
    private byte[] boxes = [];

    /// <exception cref="System.Security.Cryptography.CryptographicException">It is encrypted with another key.</exception>
    public SegmentReader(SafeFileHandle file, ReadOnlySpan<byte> key)
    {
        this.file = file;
        Span<byte> header = stackalloc byte[SegmentSeal.Header];
        header = header[..Fill(0, header)];
        seal = SegmentSeal.Of(header, key);
        number = seal is null ? 0 : SegmentSeal.NumberOf(header);
    }

    /// <summary>Where the first frame lies.</summary>
    public int First => seal is null ? 0 : SegmentSeal.Header;

    /// <summary>Bytes of boxes that are not what was written.</summary>
    public long Damaged { get; private set; }

    /// <summary>Bytes of whole frames from the offset on, at the beginning of the buffer; 0 when not even one is whole.</summary>
    /// <param name="offset">Moves behind what was read.</param>
    /// <param name="available">What there is from the offset on.</param>
    public int Read(ref long offset, int available, int wanted, ref byte[] buffer)
    {
        if (seal is null)
        {
            var whole = Take(offset, available, wanted, ref buffer, Frames.LengthAt);
            offset += whole;
            return whole;
        }

        while (true)
        {
            var taken = Take(offset, available, wanted, ref boxes, SegmentSeal.LengthAt);
            var frames = Open(boxes.AsSpan(0, taken), offset, ref buffer);
            offset += taken;
            available -= taken;
            if (frames > 0 || taken == 0)
            {
                return frames;
            }
        }
    }

    public void Dispose()
    {
        seal?.Dispose();
        file.Dispose();
    }

    private int Open(ReadOnlySpan<byte> closed, long offset, ref byte[] buffer)
    {
        if (buffer.Length < closed.Length)
        {
            buffer = new byte[closed.Length];
        }

        var (at, frames) = (0, 0);
        while (SegmentSeal.LengthAt(closed[at..]) is { } length && closed.Length - at >= length)
        {
            var frame = length - SegmentSeal.Overhead;
            if (seal!.TryOpen(closed.Slice(at, length), number, offset + at, buffer.AsSpan(frames, frame)))
            {
                frames += frame;
            }
            else
            {
                Damaged += length;
            }

            at += length;
        }

        return frames;
    }

    private delegate int? LengthOf(ReadOnlySpan<byte> bytes);

    /// <summary>Whole pieces from the offset on: about as much as is wanted, and one at least.</summary>
    private int Take(long offset, int available, int wanted, ref byte[] into, LengthOf lengthOf)
    {
        var first = Fill(offset, Math.Min(available, wanted), ref into);
        var whole = Measure(into.AsSpan(0, first), lengthOf);
        if (whole > 0 || first == available || lengthOf(into.AsSpan(0, first)) is not { } length)
        {
            return whole;
        }

        // one alone is larger than what was asked for
        var all = Fill(offset, Math.Min(available, length), ref into);
        return Measure(into.AsSpan(0, all), lengthOf);
    }

    private static int Measure(ReadOnlySpan<byte> bytes, LengthOf lengthOf)
    {
        var at = 0;
        while (lengthOf(bytes[at..]) is { } length && bytes.Length - at >= length)
        {
            at += length;
        }

        return at;
    }

    private int Fill(long offset, int count, ref byte[] into)
    {
        if (into.Length < count)
        {
            into = new byte[count];
        }

        return Fill(offset, into.AsSpan(0, count));
    }

    private int Fill(long offset, Span<byte> into)
    {
        var read = 0;
        while (read < into.Length && RandomAccess.Read(file, into[read..], offset + read) is > 0 and var more)
        {
            read += more;
        }

        return read;
    }
}
