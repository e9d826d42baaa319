using System.Globalization;

namespace Obot.Shim.Tests.Bridge;

public sealed class ToolHeadersTests
{
    private static readonly (string, string) Here = ("Mcp-Param-Region", "here");

    [Fact]
    public async Task Headers_ThatRepeatTheArguments_Pass()
    {
        await using var bridge = await TestBridge.ReadyAsync("annotated");
        var reply = await bridge.CallModernAsync(
            "echo", """{"region":"here","count":42,"place":{"city":"Zürich"}}""", headers: [Here, ("mcp-param-count", "42.0"), ("Mcp-Param-City", "=?base64?WsO8cmljaA==?=")]);
        Assert.Equal("Zürich", Reply.Parse(reply.Result).GetProperty("place").GetProperty("city").GetString());
    }

    [Theory]
    [InlineData("there")]
    [InlineData(null)]
    [InlineData("=?base64?aGVyZ?=")]
    public async Task Header_ThatIsNotTheArgument_IsRefused(string? value)
    {
        await using var bridge = await TestBridge.ReadyAsync("annotated");
        var reply = await bridge.CallModernAsync("echo", """{"region":"here"}""", "\"x\"", headers: value is null ? [] : [("Mcp-Param-Region", value)]);
        Assert.Equal((400, -32020, "x"), (reply.Status, reply.ErrorCode, reply.Last.GetProperty("id").GetString()));
        Assert.Contains("Mcp-Param-Region", reply.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Headers_OfNoParameter_AreIgnored()
    {
        await using var bridge = await TestBridge.ReadyAsync("annotated");
        Assert.Equal(200, (await bridge.CallModernAsync("echo", headers: ("Mcp-Param-Other", "=?base64?!?="))).Status);
        Assert.Equal(200, (await bridge.CallModernAsync("pid", headers: Here)).Status);
    }

    [Fact]
    public async Task Headers_ForAServerWithoutTools_AreIgnored()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        Assert.Equal(200, (await bridge.CallModernAsync("echo", """{"region":"there"}""", headers: Here)).Status);
    }

    [Fact]
    public async Task Tools_AreListedOnceForManyCalls()
    {
        await using var bridge = await TestBridge.ReadyAsync("annotated");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => bridge.CallModernAsync("echo", """{"region":"here"}""", i.ToString(CultureInfo.InvariantCulture), headers: Here)));
        Assert.Equal("2", (await bridge.CallModernAsync("lists")).Result);
    }

    [Fact]
    public async Task Tools_OfLegacyCalls_AreNotListed()
    {
        await using var bridge = await TestBridge.ReadyAsync("both");
        Assert.Equal("0", (await bridge.CallAsync("lists")).Result);
    }

    [Fact]
    public async Task Tools_ThatChanged_AreListedAgain()
    {
        await using var bridge = await TestBridge.ReadyAsync("annotated");
        await bridge.CallModernAsync("rename", """{"header":"Area","say":true}""");
        Assert.Equal(200, (await bridge.CallModernAsync("echo", """{"region":"here"}""", headers: ("Mcp-Param-Area", "here"))).Status);
        Assert.Equal("4", (await bridge.CallModernAsync("lists")).Result);
    }

    [Fact]
    public async Task Tools_ThatChangedSilently_AreListedAgainBeforeACallIsRefused()
    {
        await using var bridge = await TestBridge.ReadyAsync("annotated");
        await bridge.CallModernAsync("rename", """{"header":"Area"}""");
        await Task.Delay(1100, TestContext.Current.CancellationToken);
        Assert.Equal(200, (await bridge.CallModernAsync("echo", """{"region":"here"}""", headers: ("Mcp-Param-Area", "here"))).Status);
    }
}
