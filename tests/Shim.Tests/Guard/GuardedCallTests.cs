using System.Net;
using System.Text;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Guard;

/// <summary>What a caller with some tools only can do, and the ways around it that do not work.</summary>
public sealed class GuardedCallTests
{
    private const string Meta = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}";

    private static readonly GuardPolicy SomeTools = new()
    {
        Owners = ["owner"], Rules = [new GuardRule { Groups = ["eng"], Tools = ["echo", "read_*"] }, new GuardRule { Users = ["root"] }],
    };

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools\/call","params":{"name":"\u0065cho"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read_file","arguments":{"name":"delete","Name":"x"}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"taskId":"t"}}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}""")]
    public async Task Restricted_Caller_MayDoThis(string body)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(body)).Status);
        Assert.Equal([body], guard.Reached);
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Echo"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo "}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo\u0000"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":["echo"]}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":["echo"]}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call"}""")]
    [InlineData("""{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"echo"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"echo"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"completion/complete","params":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"Tools/Call","params":{"name":"echo"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"vendor/secret","params":{"name":"echo"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":7}""")]
    [InlineData("7")]
    public async Task Restricted_Caller_MayNotDoThat(string body)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        var (status, answer) = await guard.PostAsync(body);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Contains("administrator", answer, StringComparison.Ordinal);
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task Attack_TwoNames_IsRefused() => await AttackAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"delete"}}""");

    [Fact]
    public async Task Attack_SecondNameWrittenWithAnEscape_IsRefused() => await AttackAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","na\u006de":"delete"}}""");

    /// <summary>Go's encoding/json, among others, takes keys without regard to case, and the last one wins.</summary>
    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","Name":"delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\u0041me":"delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call","params":{"name":"delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"},"paramſ":{"name":"delete"}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"},"param\u017f":{"name":"delete"}}""")]
    public async Task Attack_KeyThatDiffersByCase_IsRefused(string body) => await AttackAsync(body);

    /// <summary>Express, among others, reads JSON in UTF-7 when the client says so.</summary>
    [Theory]
    [InlineData("application/json; charset=utf-7")]
    [InlineData("application/json; charset=utf-8; charset=utf-7")]
    [InlineData("application/json; charset=\"utf-16\"")]
    [InlineData("nonsense")]
    public async Task Attack_AnotherCharset_IsRefused(string contentType)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        const string body = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","+AG4-ame":"delete"}}""";
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await guard.PostAsync(body, ("Content-Type", contentType))).Status);
        Assert.Empty(guard.Reached);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(body, ("Content-Type", "application/json; charset=\"UTF-8\""))).Status);
    }

    [Fact]
    public async Task Attack_AnotherMethodByHeader_DoesNotReachTheServer()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        var seen = true;
        guard.Answer = context =>
        {
            seen = context.Request.Headers.Keys.Any(name => name.Contains("Method", StringComparison.OrdinalIgnoreCase));
            return TestGuard.WriteAsync(context, ": nothing\n\n", "text/event-stream");
        };
        using var response = await guard.SendAsync(HttpMethod.Get, "ann", ["eng"], null, ("X-HTTP-Method-Override", "POST"), ("x-method-override", "POST"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(seen);
    }

    [Fact]
    public async Task Attack_TwoMethods_IsRefused() => await AttackAsync("""{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"delete"}}""");

    [Fact]
    public async Task Attack_Batch_IsRefused() => await AttackAsync("""[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete"}}]""");

    [Fact]
    public async Task Attack_SecondMessageBehindTheFirst_IsRefused() => await AttackAsync("""{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"delete"}}""");

    [Theory]
    [InlineData("tools/call", "delete")]
    [InlineData("tools/call", null)]
    [InlineData("tools/list", "echo")]
    [InlineData("tools/call", "=?base64?ZGVsZXRl?=")]
    public async Task Attack_ModernHeadersOfAnotherCall_AreRefused(string method, string? name)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        (string, string)[] headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method), .. name is null ? [] : new[] { ("Mcp-Name", name) }];
        foreach (var user in (string[])["ann", "root", "owner"])
        {
            var (status, body) = await guard.PostAsAsync(user, ["eng"], $$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",{{{Meta}}}}}""", headers);
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Assert.Contains("-32020", body, StringComparison.Ordinal);
        }

        Assert.Empty(guard.Reached);
    }

    /// <summary>A modern body under a legacy header, or with none, is judged as modern; legacy requests with modern headers have to match as well.</summary>
    [Fact]
    public async Task Attack_HeadersOfTheOtherEra_AreRefused()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        var modern = $$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo",{{{Meta}}}}}""";
        Assert.Equal(HttpStatusCode.BadRequest, (await guard.PostAsync(modern, ("MCP-Protocol-Version", "2025-11-25"), ("Mcp-Name", "delete"))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await guard.PostAsync(modern)).Status);
        const string legacy = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}""";
        Assert.Equal(HttpStatusCode.BadRequest, (await guard.PostAsync(legacy, ("Mcp-Name", "delete"))).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await guard.PostAsync(legacy, ("Mcp-Method", "prompts/get"))).Status);
        Assert.Empty(guard.Reached);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(legacy, ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo"))).Status);
    }

    [Theory]
    [InlineData("prompts/list", "prompts")]
    [InlineData("resources/list", "resources")]
    [InlineData("resources/templates/list", "resourceTemplates")]
    public async Task OtherLists_OfARestrictedCaller_AreEmpty(string method, string list)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        var (status, body) = await guard.PostAsync($$"""{"jsonrpc":"2.0","id":"x","method":"{{method}}"}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal($$$"""{"jsonrpc":"2.0","id":"x","result":{"{{{list}}}":[]}}""", body);
        var modern = await guard.PostAsync($$$"""{"jsonrpc":"2.0","id":2,"method":"{{{method}}}","params":{{{{Meta}}}}}""", ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method));
        Assert.Equal($$$"""{"jsonrpc":"2.0","id":2,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","{{{list}}}":[]}}""", modern.Body);
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task Anybody_WithoutARule_IsRefusedWhateverTheRole()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        Assert.Equal(HttpStatusCode.Forbidden, (await guard.PostAsAsync("admin", ["hr"], """{"jsonrpc":"2.0","id":1,"method":"ping"}""")).Status);
        using var stream = await guard.SendAsync(HttpMethod.Get, "admin", [], null);
        Assert.Equal(HttpStatusCode.Forbidden, stream.StatusCode);
        Assert.Empty(guard.Reached);
    }

    [Theory]
    [InlineData("application/json", "")]
    [InlineData("text/event-stream", "id: 4\ndata: ")]
    public async Task ToolList_OfARestrictedCaller_ShowsWhatMayBeCalled(string type, string before)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        const string list = """{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete"},{"name":"echo"},{"name":"read_file"}]}}""";
        guard.Answer = context =>
        {
            // some servers say that they did not encode
            context.Response.Headers.ContentEncoding = "identity";
            return TestGuard.WriteAsync(context, before + list + (before.Length > 0 ? "\n\n" : ""), type);
        };
        const string ask = """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""";
        var (_, seen) = await guard.PostAsync(ask);
        Assert.DoesNotContain("delete", seen, StringComparison.Ordinal);
        Assert.Contains("""{"tools":[{"name":"echo"},{"name":"read_file"}]}""", seen, StringComparison.Ordinal);
        foreach (var user in (string[])["owner", "root"])
        {
            Assert.Contains(list, (await guard.PostAsAsync(user, [], ask)).Body, StringComparison.Ordinal);
        }
    }

    /// <summary>A resumed stream may repeat the answer to an earlier <c>tools/list</c>.</summary>
    [Fact]
    public async Task Attack_ListReadAgainFromTheStream_IsFiltered()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        guard.Answer = context => TestGuard.WriteAsync(context, "id: 4\ndata: {\"id\":1,\"result\":{\"tools\":[{\"name\":\"delete\"},{\"name\":\"echo\"}]}}\n\n", "text/event-stream");
        using var response = await guard.SendAsync(HttpMethod.Get, "ann", ["eng"], null, ("Last-Event-ID", "3"));
        var seen = await response.Content.ReadAsStringAsync();
        Assert.DoesNotContain("delete", seen, StringComparison.Ordinal);
        Assert.Contains("echo", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ToolList_AboveTheBoundOrCompressed_IsAnErrorAndNeverUnfiltered()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools, new GuardLimits { MaxListBytes = 10_000 });
        guard.Answer = context => TestGuard.WriteAsync(context, $$$"""{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete","description":"{{{new string('x', 20_000)}}}"}]}}""");
        const string ask = """{"jsonrpc":"2.0","id":"q","method":"tools/list"}""";
        var (status, body) = await guard.PostAsync(ask);
        Assert.Equal(HttpStatusCode.BadGateway, status);
        Assert.Contains("larger than 10000 bytes", body, StringComparison.Ordinal);
        Assert.Contains("\"id\":\"q\"", body, StringComparison.Ordinal);
        Assert.DoesNotContain("delete", body, StringComparison.Ordinal);

        guard.Answer = context =>
        {
            Assert.False(context.Request.Headers.ContainsKey("Accept-Encoding"));
            context.Response.Headers.ContentEncoding = "gzip";
            return TestGuard.WriteAsync(context, "whatever");
        };
        Assert.Equal(HttpStatusCode.BadGateway, (await guard.PostAsync(ask, ("Accept-Encoding", "gzip"))).Status);
    }

    [Fact]
    public async Task Guard_Stale_RefusesEveryCallAndRecovers()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        const string ping = """{"jsonrpc":"2.0","id":3,"method":"ping"}""";
        guard.Time.Advance(TimeSpan.FromMinutes(5) + TimeSpan.FromSeconds(1));
        var (status, body) = await guard.PostAsAsync("owner", [], ping);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Contains("has not heard from the cluster for 301 s", body, StringComparison.Ordinal);
        Assert.Contains("\"id\":3", body, StringComparison.Ordinal);
        guard.Freshness.Heard(TimeSpan.Zero);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsAsync("owner", [], ping)).Status);
    }

    [Fact]
    public async Task Stream_OfSomebodyWhoLostAccess_Ends()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools with { Revision = 1 });
        var ended = new TaskCompletionSource();
        guard.Answer = async context =>
        {
            await TestGuard.WriteAsync(context, ": here\n\n", "text/event-stream");
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            ended.SetResult();
        };
        using var response = await guard.SendAsync(HttpMethod.Get, "ann", ["eng"], null);
        await using var stream = await response.Content.ReadAsStreamAsync();
        Assert.True(await stream.ReadAsync(new byte[100]) > 0);

        // a change that leaves this caller alone leaves the stream alone
        guard.Policy.Replace(SomeTools with { Revision = 2, Owners = [] });
        await Task.Delay(200);
        Assert.False(ended.Task.IsCompleted);
        guard.Policy.Replace(new GuardPolicy { Revision = 3 });
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await stream.ReadAsync(new byte[100]) > 0)
            {
            }
        });
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Calls_AboveTheLimit_AreAnswered429WithTheIdAndWhenToComeBack()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools, new GuardLimits { RequestsPerSecondPerUser = 2 });
        const string ping = """{"jsonrpc":"2.0","id":"p","method":"ping"}""";
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(ping)).Status);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(ping)).Status);
        using var response = await guard.SendAsync(HttpMethod.Post, "ann", ["eng"], ping);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(TimeSpan.FromSeconds(1), response.Headers.RetryAfter?.Delta);
        Assert.Contains("\"id\":\"p\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsAsync("root", [], ping)).Status);
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")).Status);
        guard.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(ping)).Status);
    }

    [Fact]
    public async Task Name_AcrossManySegments_IsRead()
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        var padding = new string(' ', 200_000);
        var body = new StringBuilder("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{").Append(padding).Append("\"name\":\"read_").Append('x', 300).Append("\"}}").ToString();
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(body)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await guard.PostAsync(body.Replace("read_", "reed_", StringComparison.Ordinal))).Status);
    }

    private static async Task AttackAsync(string body)
    {
        await using var guard = await TestGuard.StartAsync(SomeTools);
        foreach (var user in (string[])["ann", "root", "owner"])
        {
            Assert.Equal(HttpStatusCode.BadRequest, (await guard.PostAsAsync(user, ["eng"], body)).Status);
        }

        Assert.Empty(guard.Reached);
    }
}
