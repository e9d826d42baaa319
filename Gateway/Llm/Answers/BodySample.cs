using System.Buffers;

namespace Obot.Gateway.Llm.Answers;

/// <summary>The beginning of a body, and how long all of it was. Its memory is of the pool.</summary>
internal sealed class BodySample(int most) : IDisposable
{
    private const int FirstRent = 2048;

    private byte[] kept = [];
    private int count;

    public long Length { get; private set; }

    public ReadOnlyMemory<byte> Start => kept.AsMemory(0, count);

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        var more = Math.Min(bytes.Length, most - count);
        if (more <= 0)
        {
            return;
        }

        if (kept.Length - count < more)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstRent, Math.Max(count + more, kept.Length * 2)));
            kept.AsSpan(0, count).CopyTo(larger);
            Return();
            kept = larger;
        }

        bytes[..more].CopyTo(kept.AsSpan(count));
        count += more;
    }

    public void Dispose()
    {
        Return();
        (kept, count) = ([], 0);
    }

    private void Return()
    {
        if (kept.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(kept);
        }
    }
}
