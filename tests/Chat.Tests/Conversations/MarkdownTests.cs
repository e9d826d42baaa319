using Bunit;
using Obot.Chat.Conversations.Markdown;

namespace Obot.Chat.Tests.Conversations;

public sealed class MarkdownTests : BunitContext
{
    [Fact]
    public void Markdown_WithEverything_BecomesElements()
    {
        var page = Render<MarkdownText>(parameters => parameters.Add(text => text.Text, """
            # Title

            | a | b |
            |---|---|
            | 1 | \(x^2\) |

            - [x] done

            ```csharp
            var x = 1 < 2;
            ```

            $$
            \frac{1}{2}
            $$

            \[ y = 1 \]
            """));

        Assert.Equal("Title", page.Find("h1").TextContent);
        Assert.Equal(2, page.FindAll("td").Count);
        Assert.True(page.Find("input[type=checkbox]").HasAttribute("disabled"));
        Assert.Equal("var x = 1 < 2;\n", page.Find("code[data-lang=csharp]").TextContent);
        Assert.Equal("x^2", page.Find("code[data-tex=inline]").TextContent);
        Assert.Equal(["\\frac{1}{2}", "y = 1"], page.FindAll("code[data-tex=block]").Select(formula => formula.TextContent.Trim()));
    }

    [Fact]
    public void Money_InAText_IsNoFormula() =>
        Assert.Empty(Render<MarkdownText>(parameters => parameters.Add(text => text.Text, "It costs $5 and later $10.")).FindAll("[data-tex]"));

    [Fact]
    public void Blocks_OfAGrowingText_KeepWhatDidNotChange()
    {
        var blocks = new MarkdownBlocks();
        blocks.Show("First *paragraph*.\n\nSecond");
        var before = blocks.Html.ToArray();
        blocks.Show("First *paragraph*.\n\nSecond one [grows](https://e.example).");
        var after = blocks.Html.ToArray();

        Assert.Same(before[0], after[0]);
        Assert.NotEqual(before[1], after[1]);
    }

    [Fact]
    public void Blocks_WhenADefinitionComesLate_AreReadAgain()
    {
        var blocks = new MarkdownBlocks();
        blocks.Show("See [it][r].");
        Assert.DoesNotContain("<a", blocks.Html.First(), StringComparison.Ordinal);
        blocks.Show("See [it][r].\n\n[r]: https://e.example/r");
        Assert.Contains("https://e.example/r", blocks.Html.First(), StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_OfAnyPrefix_AreThoseOfTheWholeText()
    {
        const string text = "Intro\n\n1. one\n2. two\n\n```js\nlet a;\n```\n\n> quote\n\n| a |\n|---|\n| b |\n\nEnd **bold**";
        var growing = new MarkdownBlocks();
        for (var length = 1; length <= text.Length; length++)
        {
            growing.Show(text[..length]);
        }

        var whole = new MarkdownBlocks();
        whole.Show(text);
        Assert.Equal(whole.Html, growing.Html);
    }
}
