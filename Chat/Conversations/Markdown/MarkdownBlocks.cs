using System.Net;
using Markdig.Syntax;

namespace Obot.Chat.Conversations.Markdown;

/// <summary>
/// A text that grows, as the HTML of its blocks. A block whose source did not change keeps its HTML, so words at the end cost one block and
/// the browser is sent that one only.
/// </summary>
internal sealed class MarkdownBlocks
{
    private readonly List<(string Source, string Html)> _blocks = [];
    private string _text = "";
    private string _definitions = "";

    public IEnumerable<string> Html => _blocks.Select(block => block.Html);

    public void Show(string text)
    {
        if (text == _text)
        {
            return;
        }

        _text = text;
        try
        {
            Read(SafeMarkdown.Parse(text), text);
        }
        catch (ArgumentException)
        {
            // nested deeper than the parser goes: nobody writes so to be read
            _blocks.Clear();
            _blocks.Add((text, $"<pre>{WebUtility.HtmlEncode(text)}</pre>"));
        }
    }

    private void Read(MarkdownDocument document, string text)
    {
        // a definition at the end gives an address to a reference at the beginning
        var definitions = string.Join('\n', document.Descendants<LinkReferenceDefinition>().Select(definition => $"{definition.Label} {definition.Url}"));
        if (definitions != _definitions)
        {
            _definitions = definitions;
            _blocks.Clear();
        }

        var count = 0;
        foreach (var block in document.Where(block => block is not LinkReferenceDefinitionGroup))
        {
            var source = block.Span.IsEmpty || block.Span.End >= text.Length ? text[Math.Min(Math.Max(block.Span.Start, 0), text.Length)..] : text[block.Span.Start..(block.Span.End + 1)];
            if (count == _blocks.Count)
            {
                _blocks.Add((source, SafeMarkdown.Html(block)));
            }
            else if (_blocks[count].Source != source)
            {
                _blocks[count] = (source, SafeMarkdown.Html(block));
            }

            count++;
        }

        _blocks.RemoveRange(count, _blocks.Count - count);
    }
}
