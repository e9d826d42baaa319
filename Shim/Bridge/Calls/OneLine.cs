using System.Buffers;

namespace Obot.Shim.Bridge.Calls;

/// <summary>A child's line as bytes of our own: a carriage return would end a field of a server-sent event.</summary>
internal static class OneLine
{
    public static byte[] Copy(in ReadOnlySequence<byte> line)
    {
        var copy = line.ToArray();
        return Clean(copy);
    }

    public static byte[] Clean(byte[] line)
    {
        line.AsSpan().Replace((byte)'\r', (byte)' ');
        return line;
    }
}
