using Markdig.Extensions.Mathematics;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;

namespace Obot.Chat.Conversations.Markdown;

/// <summary>Code with its language and a button that copies it; the page's script colours it.</summary>
internal sealed class CodeRenderer : HtmlObjectRenderer<CodeBlock>
{
    protected override void Write(HtmlRenderer renderer, CodeBlock code)
    {
        var language = (code as FencedCodeBlock)?.Info is { Length: > 0 and < 30 } info ? info : "";
        renderer.Write("<div class=\"code\"><div class=\"code-head\"><span>").WriteEscape(language.Length > 0 ? language : "text")
            .Write("</span><button type=\"button\" data-copy=\"\" aria-label=\"Copy code\">Copy</button></div><pre><code data-lang=\"").WriteEscape(language).Write("\">");
        renderer.WriteLeafRawLines(code, writeEndOfLines: true, escape: true);
        renderer.Write("</code></pre></div>");
    }
}

internal sealed class LinkRenderer : HtmlObjectRenderer<LinkInline>
{
    protected override void Write(HtmlRenderer renderer, LinkInline link)
    {
        var address = link.GetDynamicUrl?.Invoke() ?? link.Url;
        if (!SafeLink.Is(address, out var uri))
        {
            renderer.WriteChildren(link);
            return;
        }

        Open(renderer, uri, link.IsImage);
        if (link.IsImage)
        {
            renderer.Write("Picture from ").WriteEscape(SafeLink.Host(uri));
            if (link.FirstChild is not null)
            {
                renderer.Write(": ").WriteChildren(link);
            }
        }
        else
        {
            renderer.WriteChildren(link);
        }

        renderer.Write("</a>");
    }

    internal static void Open(HtmlRenderer renderer, Uri uri, bool asks)
    {
        renderer.Write("<a target=\"_blank\" rel=\"noopener noreferrer nofollow\" href=\"").WriteEscape(uri.AbsoluteUri).Write("\"");
        renderer.Write(" title=\"").WriteEscape(uri.Scheme is "mailto" ? uri.AbsoluteUri : SafeLink.Host(uri)).Write("\"");
        renderer.Write(asks ? " class=\"ask\" data-ask=\"picture\">" : ">");
    }
}

internal sealed class AutolinkRenderer : HtmlObjectRenderer<AutolinkInline>
{
    protected override void Write(HtmlRenderer renderer, AutolinkInline link)
    {
        if (SafeLink.Is(link.IsEmail ? $"mailto:{link.Url}" : link.Url, out var uri))
        {
            LinkRenderer.Open(renderer, uri, asks: false);
            renderer.WriteEscape(link.Url).Write("</a>");
        }
        else
        {
            renderer.WriteEscape(link.Url);
        }
    }
}

/// <summary>TeX as text, which the page's script makes MathML.</summary>
internal sealed class FormulaRenderer : HtmlObjectRenderer<MathInline>
{
    protected override void Write(HtmlRenderer renderer, MathInline formula) =>
        renderer.Write(formula.DelimiterCount == 2 ? "<code data-tex=\"block\">" : "<code data-tex=\"inline\">").WriteEscape(ref formula.Content).Write("</code>");
}

internal sealed class FormulaBlockRenderer : HtmlObjectRenderer<MathBlock>
{
    protected override void Write(HtmlRenderer renderer, MathBlock formula)
    {
        renderer.Write("<p><code data-tex=\"block\">");
        renderer.WriteLeafRawLines(formula, writeEndOfLines: true, escape: true);
        renderer.Write("</code></p>");
    }
}
