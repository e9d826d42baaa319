using System.Buffers;

namespace Obot.Shim.Guard.Audit;

/// <summary>The beginning of a body and the true length of all of it.</summary>
/// <param name="most">Bytes that are kept.</param>
internal sealed class KeptBytes(int most)
{
    private const int First = 1024;

    private byte[] buffer = [];
    private int kept;

    public long Length { get; private set; }

    public ReadOnlySpan<byte> Kept => buffer.AsSpan(0, kept);

    public void Add(in ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
        {
            Add(segment.Span);
        }
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        bytes = bytes[..Math.Min(bytes.Length, most - kept)];
        if (bytes.IsEmpty)
        {
            return;
        }

        if (buffer.Length < kept + bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(First, Math.Max(buffer.Length * 2, kept + bytes.Length)));
            Kept.CopyTo(larger);
            Release();
            buffer = larger;
        }

        bytes.CopyTo(buffer.AsSpan(kept));
        kept += bytes.Length;
    }

    public void Clear()
    {
        Release();
        (buffer, kept, Length) = ([], 0, 0);
    }

    private void Release()
    {
        if (buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
