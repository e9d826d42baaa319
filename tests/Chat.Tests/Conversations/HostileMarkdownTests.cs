using AngleSharp.Dom;
using Bunit;
using Obot.Chat.Conversations.Markdown;

namespace Obot.Chat.Tests.Conversations;

/// <summary>What a model or a tool may write, and what becomes of it.</summary>
public sealed class HostileMarkdownTests : BunitContext
{
    private static readonly string[] Allowed = ["class", "href", "target", "rel", "title", "data-ask", "data-copy", "data-lang", "data-tex", "aria-label", "type", "start", "checked", "disabled"];

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("<img src=x onerror=alert(1)>")]
    [InlineData("<svg/onload=alert(1)>")]
    [InlineData("<iframe srcdoc='<script>alert(1)</script>'></iframe>")]
    [InlineData("<a href=\"javascript:alert(1)\">x</a>")]
    [InlineData("<div style=\"background:url(//evil.example)\" id=composer>x</div>")]
    [InlineData("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>")]
    [InlineData("text <b onclick='alert(1)'>in line</b>")]
    [InlineData("```html\n</code></pre><script>alert(1)</script>\n```")]
    [InlineData("```\"><img/src=x/onerror=alert(1)>\nx\n```")]
    [InlineData("$</code><img src=x onerror=alert(1)>$")]
    [InlineData("\\(</code><script>alert(1)</script>\\)")]
    [InlineData("[x](https://e.example \"t\\\" onmouseover=\\\"alert(1)\")")]
    [InlineData("[x](<https://e.example/\"onmouseover=alert(1)>)")]
    [InlineData("<https://e.example/\"onmouseover=alert(1)>")]
    public void Markup_OfStrangers_IsText(string markdown)
    {
        var page = Shown(markdown);

        Assert.Empty(page.QuerySelectorAll("script, img, svg, iframe, style, math, object, embed, form, b, link, meta"));
        Assert.Empty(page.QuerySelectorAll(".md-block *").SelectMany(element => element.Attributes).Select(attribute => attribute.Name).Except(Allowed, StringComparer.Ordinal));
        Assert.All(page.QuerySelectorAll("a"), link => Assert.StartsWith("https://e.example", link.GetAttribute("href"), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("[x](javascript:alert(1))")]
    [InlineData("[x](JaVaScRiPt:alert(1))")]
    [InlineData("[x](java&#10;script:alert(1))")]
    [InlineData("[x](&#106;avascript:alert(1))")]
    [InlineData("[x](data:text/html,<script>alert(1)</script>)")]
    [InlineData("[x](vbscript:msgbox)")]
    [InlineData("[x](file:///etc/passwd)")]
    [InlineData("[x](blob:https://e.example/1)")]
    [InlineData("<javascript:alert(1)>")]
    [InlineData("[x][r]\n\n[r]: javascript:alert(1)")]
    [InlineData("[x](https://user:secret@bank.example/)")]
    [InlineData("![x](data:image/svg+xml;base64,PHN2Zy8+)")]
    public void Link_ThatRunsOrHides_IsNone(string markdown) => Assert.Empty(Shown(markdown).QuerySelectorAll("[href], [src]"));

    [Theory]
    [InlineData("[1](/chat/other)")]
    [InlineData("[Source: policy.pdf](/api/files/1)")]
    [InlineData("[x](//evil.example)")]
    [InlineData("[x](#composer)")]
    [InlineData("[x](?project=1)")]
    public void Citation_ForgedAsOurOwnPage_IsNoLink(string markdown) => Assert.Empty(Shown(markdown).QuerySelectorAll("a"));

    [Fact]
    public void Picture_OfAForeignHost_IsALinkThatAsks()
    {
        var page = Shown("![chart](https://beacon.example/p.png?secret=42)");

        var link = Assert.Single(page.QuerySelectorAll("a"));
        Assert.Empty(page.QuerySelectorAll("img"));
        Assert.Equal("picture", link.GetAttribute("data-ask"));
        Assert.Equal("Picture from beacon.example: chart", link.TextContent);
    }

    [Fact]
    public void Link_ToAnotherHost_OpensApartAndTellsNothing()
    {
        var link = Assert.Single(Shown("[docs](https://docs.example/a?b=1&c=2)").QuerySelectorAll("a"));

        Assert.Equal("https://docs.example/a?b=1&c=2", link.GetAttribute("href"));
        Assert.Equal("noopener noreferrer nofollow", link.GetAttribute("rel"));
        Assert.Equal("_blank", link.GetAttribute("target"));
        Assert.Equal("docs.example", link.GetAttribute("title"));
    }

    [Fact]
    public void Host_ThatLooksLikeAnother_ShowsItsRealName() =>
        Assert.Equal("xn--pple-43d.com", Assert.Single(Shown("[apple](https://аpple.com/)").QuerySelectorAll("a")).GetAttribute("title"));

    [Fact]
    public void Nesting_WithoutEnd_IsShownAsText() => Assert.NotEmpty(Shown(new string('>', 20_000) + " deep").QuerySelectorAll(".md-block"));

    private IElement Shown(string markdown) => Render<MarkdownText>(parameters => parameters.Add(text => text.Text, markdown)).Find(".md");
}
