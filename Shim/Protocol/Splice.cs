using System.Buffers;

namespace Obot.Shim.Protocol;

/// <summary>Replaces tokens in the bytes of a message: one allocation of the final size, one copy.</summary>
internal static class Splice
{
    internal readonly record struct Edit(TokenRange Range, ReadOnlyMemory<byte> Replacement);

    /// <param name="message">The original bytes.</param>
    /// <param name="edits">Absent ranges are ignored; the order does not matter. It is sorted in place.</param>
    /// <param name="tail">Appended at the end, such as a line feed.</param>
    public static byte[] Apply(in ReadOnlySequence<byte> message, Span<Edit> edits, ReadOnlySpan<byte> tail = default)
    {
        edits.Sort(static (a, b) => a.Range.Start.CompareTo(b.Range.Start));
        var length = message.Length + tail.Length;
        foreach (var edit in edits)
        {
            length += edit.Range.Present ? edit.Replacement.Length - edit.Range.Length : 0;
        }

        var result = GC.AllocateUninitializedArray<byte>(checked((int)length));
        var target = result.AsSpan();
        var from = 0;
        foreach (var edit in edits)
        {
            if (!edit.Range.Present)
            {
                continue;
            }

            target = Append(target, message.Slice(from, edit.Range.Start - from));
            edit.Replacement.Span.CopyTo(target);
            target = target[edit.Replacement.Length..];
            from = edit.Range.End;
        }

        target = Append(target, message.Slice(from));
        tail.CopyTo(target);
        return result;
    }

    private static Span<byte> Append(Span<byte> target, ReadOnlySequence<byte> part)
    {
        part.CopyTo(target);
        return target[(int)part.Length..];
    }
}
