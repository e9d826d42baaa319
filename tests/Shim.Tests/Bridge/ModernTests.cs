using System.Text;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Tests.Bridge;

public sealed class ModernTests
{
    [Fact]
    public async Task Call_ToAModernServer_IsAnswered()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var reply = await bridge.CallModernAsync("echo", """{"n":1}""", "\"mine\"");
        Assert.Equal(200, reply.Status);
        Assert.Equal("mine", reply.Last.GetProperty("id").GetString());
        Assert.StartsWith("obot-", Reply.Parse(reply.Result).GetProperty("id").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_ToALegacyServer_SaysWhichVersionsItSpeaks()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var reply = await bridge.CallModernAsync("echo", id: "3");
        Assert.Equal((400, -32022, 3), (reply.Status, reply.ErrorCode, reply.Last.GetProperty("id").GetInt32()));
        var data = reply.Last.GetProperty("error").GetProperty("data");
        Assert.Equal(McpVersions.Legacy, data.GetProperty("supported").EnumerateArray().Select(v => v.GetString()!));
        Assert.Equal(McpVersions.Modern, data.GetProperty("requested").GetString());
    }

    [Fact]
    public async Task Initialize_OfAModernOnlyServer_IsAnsweredByTheServer()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var reply = await bridge.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}""");
        Assert.Equal("modern only", reply.ErrorMessage);
        Assert.Null(reply.Session);
    }

    [Fact]
    public async Task UnknownMethod_Is404()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var reply = await bridge.PostAsync(
            $$$"""{"jsonrpc":"2.0","id":1,"method":"no/such","params":{"_meta":{{{TestBridge.ModernMeta}}}}}""", "alice", null, TestBridge.ModernHeaders("no/such"));
        Assert.Equal((404, -32601), (reply.Status, reply.ErrorCode));
    }

    [Theory]
    [InlineData("2026-07-28", "tools/list", "echo")]
    [InlineData("2026-07-28", "tools/call", "other")]
    [InlineData("2026-07-28", "tools/call", null)]
    [InlineData("2026-07-28", null, "echo")]
    [InlineData("2026-07-28", "tools/call", "=?base64?!!?=")]
    [InlineData("2027-01-01", "tools/call", "echo")]
    [InlineData(null, "tools/call", "echo")]
    public async Task Headers_ThatDifferFromTheBody_AreRefused(string? version, string? method, string? name)
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var headers = new (string, string?)[] { (McpHeaders.ProtocolVersion, version), (McpHeaders.Method, method), (McpHeaders.Name, name) };
        var reply = await bridge.PostAsync(
            TestBridge.ToolCall("echo", meta: TestBridge.ModernMeta), "alice", null, [.. headers.Where(h => h.Item2 is not null).Select(h => (h.Item1, h.Item2!))]);
        Assert.Equal((400, -32020), (reply.Status, reply.ErrorCode));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"_meta":{}}""")]
    [InlineData("""{"_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}""")]
    [InlineData("""{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}""")]
    [InlineData("""{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":7}}""")]
    public async Task Request_WithoutItsMeta_HasInvalidParams(string parameters)
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var reply = await bridge.RequestModernAsync("server/discover", parameters);
        Assert.Equal((400, -32602, 1), (reply.Status, reply.ErrorCode, reply.Last.GetProperty("id").GetInt32()));
    }

    [Theory]
    [InlineData("tasks/get", 400, -32020)]
    [InlineData("tasks/cancel", 400, -32020)]
    [InlineData("tasks/update", 400, -32020)]
    [InlineData("tasks/result", 404, -32601)]
    [InlineData("tasks/list", 404, -32601)]
    public async Task TaskRequest_WithoutAName_IsRefusedWhereTheNameIsRequired(string method, int status, int code)
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var reply = await bridge.RequestModernAsync(method, $$"""{"taskId":"t","_meta":{{TestBridge.ModernMeta}} }""");
        Assert.Equal((status, code), (reply.Status, reply.ErrorCode));
    }

    [Fact]
    public async Task Name_EncodedInBase64_MatchesTheBody()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var encoded = $"=?base64?{Convert.ToBase64String(Encoding.UTF8.GetBytes("écho"))}?=";
        var reply = await bridge.PostAsync(TestBridge.ToolCall("écho", meta: TestBridge.ModernMeta), "alice", null, TestBridge.ModernHeaders("tools/call", encoded));
        Assert.Equal((200, -32602), (reply.Status, reply.ErrorCode));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("2025-01-01")]
    public async Task Version_ThatNobodyKnows_IsUnsupported(string version)
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var reply = await bridge.PostAsync(TestBridge.ToolCall("echo"), "alice", null, (McpHeaders.ProtocolVersion, version));
        Assert.Equal((400, -32022), (reply.Status, reply.ErrorCode));
    }

    [Fact]
    public async Task Disconnect_IsCancellation()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var first = Reply.Parse((await bridge.CallModernAsync("echo", id: "5")).Result).GetProperty("id").GetInt64();
        using var impatient = new CancellationTokenSource(200);
        var body = TestBridge.ToolCall("slow", """{"ms":5000}""", "5", TestBridge.ModernMeta);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bridge.SendAsync(
            TestBridge.Request(HttpMethod.Post, body, headers: TestBridge.ModernHeaders("tools/call", "slow")), impatient.Token));
        await Task.Delay(200, TestContext.Current.CancellationToken);
        Assert.Equal($"[{first + 1}]", (await bridge.CallModernAsync("cancelled", id: "6")).Result);
    }

    [Fact]
    public async Task Listen_StreamsWhatBelongsToItsSubscription()
    {
        await using var bridge = await TestBridge.ReadyAsync("modern");
        var readers = new List<StreamReader>();
        foreach (var id in new[] { "\"sub\"", "11" })
        {
            var body = $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true},"_meta":{{{TestBridge.ModernMeta}}}}}""";
            var response = await bridge.SendAsync(TestBridge.Request(HttpMethod.Post, body, headers: TestBridge.ModernHeaders("subscriptions/listen")));
            readers.Add(new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));
        }

        foreach (var (reader, id) in readers.Zip(["\"sub\"", "11"]))
        {
            foreach (var method in new[] { "notifications/subscriptions/acknowledged", "notifications/tools/list_changed" })
            {
                var message = await LegacySessionTests.NextAsync(reader);
                Assert.Equal(method, message.GetProperty("method").GetString());
                Assert.Equal(id, message.GetProperty("params").GetProperty("_meta").GetProperty("io.modelcontextprotocol/subscriptionId").GetRawText());
            }

            reader.Dispose();
        }
    }

    [Fact]
    public async Task Server_OfBothEras_ServesBoth()
    {
        await using var bridge = await TestBridge.ReadyAsync("both");
        var session = await bridge.InitializeAsync();
        string[] pids = [(await bridge.CallAsync("pid", session: session)).Result, (await bridge.CallAsync("pid")).Result, (await bridge.CallModernAsync("pid")).Result];
        Assert.Equal(3, pids.Distinct(StringComparer.Ordinal).Count());
    }
}
