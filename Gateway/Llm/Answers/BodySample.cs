using System.Buffers;

namespace Obot.Gateway.Llm.Answers;

/// <summary>The beginning of a body, for the record, and how long all of it was.</summary>
internal sealed class BodySample(int most)
{
    private readonly ArrayBufferWriter<byte> kept = new();

    public long Length { get; private set; }

    public ReadOnlyMemory<byte> Start => kept.WrittenMemory;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        if (kept.WrittenCount < most)
        {
            kept.Write(bytes[..Math.Min(bytes.Length, most - kept.WrittenCount)]);
        }
    }
}
