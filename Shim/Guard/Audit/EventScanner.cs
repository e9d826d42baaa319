namespace Obot.Shim.Guard.Audit;

/// <summary>Finds the event of a stream (text/event-stream) that is the answer, as its bytes pass in whatever pieces.</summary>
internal sealed class EventScanner(AnswerScanner answer)
{
    private enum Line
    {
        Begin,
        Data,
        Other,
    }

    private Line line;
    private int matched;
    private bool isEmpty = true;
    private bool afterReturn;

    public void Reset()
    {
        (line, matched, isEmpty, afterReturn) = (Line.Begin, 0, true, false);
        answer.Reset();
    }

    /// <summary>True once the event that holds the answer has ended; what follows is not looked at.</summary>
    public bool Feed(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (afterReturn && bytes[0] == '\n')
            {
                afterReturn = false;
                bytes = bytes[1..];
                continue;
            }

            afterReturn = false;
            var end = bytes.IndexOfAny((byte)'\n', (byte)'\r');
            Content(end < 0 ? bytes : bytes[..end]);
            if (end < 0)
            {
                return false;
            }

            afterReturn = bytes[end] == '\r';
            bytes = bytes[(end + 1)..];
            var isBlank = isEmpty;
            (line, matched, isEmpty) = (Line.Begin, 0, true);
            if (isBlank)
            {
                if (answer.IsAnswer)
                {
                    return true;
                }

                answer.Reset();
            }
        }

        return false;
    }

    private void Content(ReadOnlySpan<byte> content)
    {
        if (content.IsEmpty)
        {
            return;
        }

        isEmpty = false;
        while (line is Line.Begin && !content.IsEmpty)
        {
            // "data:" in however many pieces
            line = content[0] != "data:"u8[matched] ? Line.Other : ++matched == 5 ? Line.Data : Line.Begin;
            content = content[1..];
        }

        if (line is Line.Data)
        {
            answer.Feed(content);
        }
    }
}
