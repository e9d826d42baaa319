using System.Buffers;
using System.Text;
using Obot.Shim.Protocol;

namespace Obot.Shim.Bridge.Calls;

/// <summary>A message of a client, ready to be a line for a child.</summary>
internal sealed class IncomingMessage
{
    private readonly byte[] line;

    /// <param name="line">The body with one byte to spare at its end; it is changed: line breaks become blanks.</param>
    public IncomingMessage(byte[] line)
    {
        this.line = line;
        Envelope = EnvelopeReader.Read(line.AsSpan(0, line.Length - 1));

        // JSON strings hold no raw control characters, so these stand between tokens only
        line.AsSpan().Replace((byte)'\n', (byte)' ');
        line.AsSpan().Replace((byte)'\r', (byte)' ');
        line[^1] = (byte)'\n';
    }

    public JsonRpcEnvelope Envelope { get; }

    /// <summary>With its line feed.</summary>
    public ReadOnlyMemory<byte> Line => line;

    public ReadOnlySpan<byte> Body => line.AsSpan(0, line.Length - 1);

    public ReadOnlySequence<byte> Sequence => new(line);

    /// <summary>Raw token of the id; empty when there is none.</summary>
    public byte[] Id => Slice(Envelope.Id);

    public static IncomingMessage Of(string json) => new(Encoding.UTF8.GetBytes(json + "\n"));

    /// <summary>Of the message's own bytes; empty when the token is absent.</summary>
    public ReadOnlyMemory<byte> Memory(TokenRange range) => line.AsMemory(range.Start, range.Length);

    public byte[] Slice(TokenRange range) => range.Present ? line.AsSpan(range.Start, range.Length).ToArray() : [];
}
