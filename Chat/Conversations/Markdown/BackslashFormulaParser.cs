using Markdig.Extensions.Mathematics;
using Markdig.Helpers;
using Markdig.Parsers;
using Markdig.Syntax;

namespace Obot.Chat.Conversations.Markdown;

/// <summary>Formulas as many models write them: <c>\(…\)</c> within a line, <c>\[…\]</c> on lines of their own.</summary>
internal sealed class BackslashFormulaParser : InlineParser
{
    public BackslashFormulaParser() => OpeningCharacters = ['\\'];

    public override bool Match(InlineProcessor processor, ref StringSlice slice)
    {
        var open = slice.PeekChar();
        if (open is not ('(' or '['))
        {
            return false;
        }

        var start = slice.Start;
        var end = slice.Text.IndexOf(open == '(' ? "\\)" : "\\]", start + 2, slice.End - start - 1 is var rest and > 0 ? rest : 0, StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        processor.Inline = new MathInline
        {
            Content = new StringSlice(slice.Text, start + 2, end - 1),
            Delimiter = '$',
            DelimiterCount = open == '(' ? 1 : 2,
            Span = new SourceSpan(processor.GetSourcePosition(start, out var line, out var column), processor.GetSourcePosition(end + 1)),
            Line = line,
            Column = column,
        };
        slice.Start = end + 2;
        return true;
    }
}
