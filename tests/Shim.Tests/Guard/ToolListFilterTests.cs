using System.Text;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Lists;

namespace Obot.Shim.Tests.Guard;

public sealed class ToolListFilterTests
{
    private static readonly ToolPatterns Echo = new(["echo", "read_*"]);

    [Fact]
    public void List_Filtered_KeepsTheBytesOfWhatIsLeft()
    {
        const string json = """{ "jsonrpc":"2.0","id":7, "result" : {"tools":[ {"name":"echo", "x":1.0e2,"\u00e9":"\/"} , {"name":"delete"},{"name":"read_\u0061","inputSchema":{"name":"delete"}}],"nextCursor":"n"} }""";
        Assert.Equal(
            """{ "jsonrpc":"2.0","id":7, "result" : {"tools":[{"name":"echo", "x":1.0e2,"\u00e9":"\/"},{"name":"read_\u0061","inputSchema":{"name":"delete"}}],"nextCursor":"n"} }""",
            Apply(json, modern: false));
    }

    [Theory]
    [InlineData("""{"id":1,"result":{"tools":[]}}""", """{"id":1,"result":{"cacheScope":"private","tools":[]}}""")]
    [InlineData("""{"id":1,"result":{"cacheScope":"public","tools":[{"name":"x"}]}}""", """{"id":1,"result":{"cacheScope":"private","tools":[]}}""")]
    [InlineData("""{"id":1,"result":{"tools":[],"cacheScope":7}}""", """{"id":1,"result":{"tools":[],"cacheScope":"private"}}""")]
    [InlineData("""{"id":1,"result":{"resultType":"input_required"}}""", """{"id":1,"result":{"resultType":"input_required"}}""")]
    [InlineData("""{"id":1,"error":{"code":1,"message":"tools"}}""", """{"id":1,"error":{"code":1,"message":"tools"}}""")]
    public void List_OfTheModernEra_IsThisCallersOwn(string json, string expected) => Assert.Equal(expected, Apply(json, modern: true));

    /// <summary>What a reader of another making could see as an allowed tool, or as none.</summary>
    [Theory]
    [InlineData("""{"name":"delete","name":"echo"}""")]
    [InlineData("""{"name":"echo","na\u006de":"delete"}""")]
    [InlineData("""{"title":"echo"}""")]
    [InlineData("""{"name":["echo"]}""")]
    [InlineData("""{"name":"Echo"}""")]
    [InlineData("""{"name":"echo\u0000"}""")]
    [InlineData("""{"name":"\ud800"}""")]
    [InlineData("\"echo\"")]
    public void Tool_WithoutOneName_IsNotShown(string tool)
    {
        try
        {
            Assert.Equal("""{"id":1,"result":{"tools":[]}}""", Apply($$$"""{"id":1,"result":{"tools":[{{{tool}}}]}}""", modern: false));
        }
        catch (UnfilterableException)
        {
            // as good: nothing is shown
        }
    }

    [Theory]
    [InlineData("""[{"id":1,"result":{"tools":[]}}]""")]
    [InlineData("""{"id":1,"result":{"tools":[]},"result":{"tools":[{"name":"delete"}]}}""")]
    [InlineData("""{"id":1,"result":{"tools":[],"tool\u0073":[{"name":"delete"}]}}""")]
    [InlineData("""{"id":1,"result":{"tools":{"0":{"name":"delete"}}}}""")]
    [InlineData("""{"id":1,"result":{"tools":[]}} {"id":1}""")]
    [InlineData("""{"id":1,"result":{"tools":[{"name":"delete"}""")]
    [InlineData("not json")]
    [InlineData("")]
    public void Answer_ThatCanBeReadTwoWays_IsNotShown(string json) => Assert.Throws<UnfilterableException>(() => Apply(json, modern: false));

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Stream_WithAList_IsFilteredAndTheRestPasses(string end)
    {
        var stream = string.Join(end, ": hello", "", "id: 1", "data:", "", "event: message", "id: 2", "data: {\"id\":1,\"result\":", "data:{\"tools\":[{\"name\":\"echo\"},", "data: {\"name\":\"delete\"}]}}", "", "data: {\"method\":\"x\"}", "", "");
        for (var size = 1; size < 40; size += 3)
        {
            var copied = await CopyAsync(stream, size);
            Assert.DoesNotContain("delete", copied, StringComparison.Ordinal);
            Assert.StartsWith(string.Join(end, ": hello", "", "id: 1", "data:", "", ""), copied, StringComparison.Ordinal);
            Assert.Contains("event: message\nid: 2\ndata: {\"id\":1,\"result\":\ndata: {\"tools\":[{\"name\":\"echo\"}]}}\n\n", copied, StringComparison.Ordinal);
            Assert.EndsWith($"data: {{\"method\":\"x\"}}{end}{end}", copied, StringComparison.Ordinal);
        }
    }

    /// <summary>A client ignores the mark, so it must not hide the first field from us.</summary>
    [Fact]
    public async Task Stream_WithAByteOrderMark_IsFiltered() =>
        Assert.DoesNotContain("delete", await CopyAsync("\uFEFFdata: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\"}]}}\n\n", 5), StringComparison.Ordinal);

    [Theory]
    [InlineData("data: [{\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\"}]}}]\n\n")]
    [InlineData("data: nonsense\n\n")]
    public async Task Stream_WithWhatCannotBeRead_Ends(string stream) => await Assert.ThrowsAsync<UnfilterableException>(() => CopyAsync(stream, 7));

    [Fact]
    public async Task Stream_WithAnEventAboveTheBound_Ends() =>
        await Assert.ThrowsAsync<UnfilterableException>(() => CopyAsync($"data: {{\"id\":1,\"result\":{{\"tools\":[{{\"name\":\"echo\",\"x\":\"{new string('x', 20_000)}\"}}]}}}}\n\n", 512));

    /// <summary>An event that never ended is none for a client either.</summary>
    [Fact]
    public async Task Stream_CutWithinAnEvent_ShowsNothingOfIt() =>
        Assert.Equal("", await CopyAsync("data: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\"}]}}\n", 9));

    private static string Apply(string json, bool modern) => Encoding.UTF8.GetString(ToolListFilter.Apply(Encoding.UTF8.GetBytes(json), Echo, modern).Span);

    private static async Task<string> CopyAsync(string stream, int chunk)
    {
        using var target = new MemoryStream();
        await new EventStreamFilter(message => new(ToolListFilter.Apply(message, Echo, modern: false)), maxBytes: 8192).CopyAsync(new Trickle(Encoding.UTF8.GetBytes(stream), chunk), target, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(target.ToArray());
    }

    private sealed class Trickle(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(buffer.Length, chunk)], cancellationToken);
    }
}
