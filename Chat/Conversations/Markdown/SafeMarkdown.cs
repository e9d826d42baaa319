using Ganss.Xss;
using Markdig;
using Markdig.Extensions.Mathematics;
using Markdig.Parsers.Inlines;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Renderers.Html.Inlines;
using Markdig.Syntax;

namespace Obot.Chat.Conversations.Markdown;

/// <summary>
/// Markdown of models and servers, which nobody trusts, as HTML that a page may show. Raw HTML is text; links go to absolute http, https and
/// mailto addresses only; pictures are links that ask first, because fetching one tells its host. What comes out passes a list of allowed
/// elements, attributes and classes once more.
/// </summary>
internal static class SafeMarkdown
{
    private static readonly MarkdownPipeline Pipeline = Build();
    private static readonly HtmlSanitizer Sanitizer = Allow();

    public static MarkdownDocument Parse(string text) => Markdig.Markdown.Parse(text, Pipeline);

    public static string Html(MarkdownObject block)
    {
        using var writer = new StringWriter();
        var renderer = new HtmlRenderer(writer);
        Pipeline.Setup(renderer);
        Replace<CodeBlockRenderer>(renderer, new CodeRenderer());
        Replace<LinkInlineRenderer>(renderer, new LinkRenderer());
        Replace<AutolinkInlineRenderer>(renderer, new AutolinkRenderer());
        Replace<HtmlMathBlockRenderer>(renderer, new FormulaBlockRenderer());
        Replace<HtmlMathInlineRenderer>(renderer, new FormulaRenderer());
        renderer.Render(block);
        return Sanitizer.Sanitize(writer.ToString());
    }

    private static MarkdownPipeline Build()
    {
        var builder = new MarkdownPipelineBuilder().DisableHtml().UsePreciseSourceLocation().UsePipeTables().UseEmphasisExtras().UseTaskLists().UseAutoLinks().UseMathematics();
        builder.InlineParsers.InsertBefore<EscapeInlineParser>(new BackslashFormulaParser());
        return builder.Build();
    }

    private static HtmlSanitizer Allow()
    {
        var sanitizer = new HtmlSanitizer(new HtmlSanitizerOptions
        {
            AllowedTags = Set("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "strong", "em", "del", "ins", "sub", "sup", "mark", "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "a", "div", "span", "button", "input"),
            AllowedAttributes = Set("href", "target", "rel", "class", "title", "start", "type", "checked", "disabled", "colspan", "rowspan", "data-lang", "data-tex", "data-ask", "data-copy", "aria-label"),
            UriAttributes = Set("href"),
            AllowedSchemes = Set("http", "https", "mailto"),
            AllowedCssProperties = Set(),
            AllowedAtRules = new HashSet<AngleSharp.Css.Dom.CssRuleType>(),
        });
        sanitizer.AllowedClasses.UnionWith(["code", "code-head", "ask", "task-list-item", "contains-task-list"]);
        return sanitizer;

        static HashSet<string> Set(params string[] names) => new(names, StringComparer.OrdinalIgnoreCase);
    }

    private static void Replace<TOld>(HtmlRenderer renderer, IMarkdownObjectRenderer replacement)
        where TOld : class, IMarkdownObjectRenderer => renderer.ObjectRenderers.ReplaceOrAdd<TOld>(replacement);
}
