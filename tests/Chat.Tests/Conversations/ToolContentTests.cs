using Bunit;
using Obot.Chat.Conversations.ToolCalls;

namespace Obot.Chat.Tests.Conversations;

public sealed class ToolContentTests : BunitContext
{
    private const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    [Fact]
    public void Picture_ThatIsOne_IsShownUnderItsRealType() =>
        Assert.Equal($"data:image/png;base64,{Png}", Assert.IsType<ToolContent.Image>(Only($$"""[{"type":"image","mimeType":"text/html","data":"{{Png}}"}]""")).Source);

    [Theory]
    [InlineData("image/svg+xml", "PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+")]
    [InlineData("image/png", "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==")]
    [InlineData("image/png", "not base64!")]
    [InlineData("image/png\\\" onerror=\\\"alert(1)", "aGVsbG8=")]
    public void Picture_ThatIsNone_IsNotShown(string type, string data) => Assert.IsType<ToolContent.Note>(Only($$"""[{"type":"image","mimeType":"{{type}}","data":"{{data}}"}]"""));

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ui://app/page")]
    [InlineData("/admin/servers")]
    public void ResourceLink_ThatNoBrowserShouldOpen_IsText(string uri) =>
        Assert.Null(Assert.IsType<ToolContent.Resource>(Only($$"""[{"type":"resource_link","name":"x","uri":"{{uri}}"}]""")).Address);

    [Fact]
    public void Result_WithMarkup_IsShownAsItIs()
    {
        var page = Render<ToolResult>(parameters => parameters.Add(result => result.Json, """[{"type":"text","text":"<script>alert(1)</script>![x](https://beacon.example/p.png)"}]"""));

        Assert.Equal("<script>alert(1)</script>![x](https://beacon.example/p.png)", page.Find("pre").TextContent);
        Assert.Empty(page.FindAll("script, img, a"));
    }

    [Theory]
    [InlineData("not json")]
    [InlineData("{\"a\":1}")]
    [InlineData("[1, null, \"x\", {\"type\": 5}]")]
    public void Result_OfAnyForm_IsShown(string json) => Assert.NotEmpty(ToolContent.Read(json));

    [Fact]
    public void Text_WithoutEnd_IsCut() => Assert.True(Assert.IsType<ToolContent.Text>(Only($$"""[{"type":"text","text":"{{new string('x', 100_000)}}"}]""")).IsCut);

    private static ToolContent Only(string json) => Assert.Single(ToolContent.Read(json));
}
