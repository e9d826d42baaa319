using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Guard.Filters;

/// <summary>Real receivers on sockets, behind the real pipeline.</summary>
public sealed class WebhookFilterTests
{
    private const string Call = """{"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"echo","arguments":{"text":"hello"}}}""";

    [Fact]
    public async Task Receiver_ThatAccepts_SeesTheSignedBytesAndTheCallGoesOn()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var guard = await StartAsync(receiver.Filter());
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(Call)).Status);
        Assert.Equal([("request", Call)], receiver.Seen);
        Assert.Equal([Call], guard.Reached);
    }

    /// <summary>The example of others' documentation answers so: 'message' is a text there.</summary>
    [Fact]
    public async Task Receiver_ThatAcceptsWithJsonOfItsOwn_Accepts()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, """{"status":"accepted","message":"Webhook processed successfully"}"""));
        await using var guard = await StartAsync(receiver.Filter(mutates: true));
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(Call)).Status);
        Assert.Single(guard.Reached);
    }

    [Fact]
    public async Task ToolCall_Rejected_IsAToolErrorWithTheReason()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, """{"detail":"no greetings here"}""", 403));
        await using var guard = await StartAsync(receiver.Filter());
        var (status, body) = await guard.PostAsync(Call);
        Assert.Equal(HttpStatusCode.OK, status);
        AssertToolError(body, "The filter 'receiver' rejected this call: no greetings here (HTTP 403)");
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task ModernToolCall_Rejected_IsAModernToolError()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, """{"accept":false,"reason":"not today"}"""));
        await using var guard = await StartAsync(receiver.Filter());
        const string modern = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}""";
        var (_, body) = await guard.PostAsync(modern, ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "echo"));
        AssertToolError(body, "The filter 'receiver' rejected this call: not today");
        Assert.Equal("complete", JsonNode.Parse(body)!["result"]!["resultType"]!.GetValue<string>());
    }

    [Fact]
    public async Task OtherMethod_Rejected_IsAJsonRpcErrorWithTheReason()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, "\"never\"", 418));
        await using var guard = await StartAsync(receiver.Filter());
        var (status, body) = await guard.PostAsync("""{"jsonrpc":"2.0","id":7,"method":"prompts/get","params":{"name":"p"}}""");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(7, JsonNode.Parse(body)!["id"]!.GetValue<int>());
        Assert.Contains("(HTTP 418)", JsonNode.Parse(body)!["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, (await guard.PostAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""")).Status);
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task Receiver_WithAnotherSecret_BlocksTheCall()
    {
        await using var receiver = await Receiver.StartAsync();
        foreach (var secret in (string?[])[null, "", "another"])
        {
            await using var guard = await StartAsync(receiver.Filter(secret));
            AssertToolError((await guard.PostAsync(Call)).Body, "Invalid signature (HTTP 401)");
            Assert.Empty(guard.Reached);
        }
    }

    [Fact]
    public async Task Receiver_Down_BlocksTheCall()
    {
        var receiver = await Receiver.StartAsync();
        var filter = receiver.Filter();
        await receiver.DisposeAsync();
        await using var guard = await StartAsync(filter);
        AssertToolError((await guard.PostAsync(Call)).Body, "could not check this call, so it was blocked: it cannot be reached at 127.0.0.1:");
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task Receiver_Slow_BlocksTheCall()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default));
        await using var guard = await StartAsync(receiver.Filter(timeout: 300));
        AssertToolError((await guard.PostAsync(Call)).Body, "it did not answer within 0.3 s");
        Assert.Empty(guard.Reached);
    }

    /// <summary>The answer begins in time and never ends.</summary>
    [Fact]
    public async Task Receiver_ThatTrickles_BlocksTheCall()
    {
        await using var receiver = await Receiver.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = "application/json";
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync(" ");
                await context.Response.Body.FlushAsync();
                await Task.Delay(50);
            }
        });
        await using var guard = await StartAsync(receiver.Filter(timeout: 300));
        AssertToolError((await guard.PostAsync(Call)).Body, "it did not answer within 0.3 s");
    }

    [Theory]
    [InlineData("{\"accept\":", "not valid JSON")]
    [InlineData("not json", "not valid JSON")]
    [InlineData("""{"accept":true,"mutated":true}""", "sends no 'message'")]
    [InlineData("""{"accept":true,"mutated":"yes","message":{}}""", "neither true, false nor a message")]
    [InlineData("""{"accept":true,"mutated":true,"message":{"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"delete"}}}""", "its name, URI")]
    [InlineData("""{"accept":true,"mutated":true,"message":{"jsonrpc":"2.0","id":"c-2","method":"tools/call","params":{"name":"echo"}}}""", "its method or id")]
    [InlineData("""{"accept":true,"mutated":true,"message":{"jsonrpc":"2.0","id":"c-1","method":"tools/list","params":{"name":"echo"}}}""", "its method or id")]
    [InlineData("""{"accept":true,"mutated":true,"message":{"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"echo","name":"delete"}}}""", "appears twice")]
    [InlineData("""{"accept":true,"mutated":true,"message":{"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"echo","Name":"delete"}}}""", "only by case")]
    [InlineData("""{"accept":true,"mutated":true,"message":[1]}""", "no JSON-RPC request")]
    public async Task Receiver_WithAnAnswerThatCannotBeUsed_BlocksTheCall(string answer, string reason)
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, answer));
        await using var guard = await StartAsync(receiver.Filter(mutates: true));
        AssertToolError((await guard.PostAsync(Call)).Body, reason);
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task Receiver_WithTenMegabytes_BlocksTheCallWhenTheyAreItsAnswer()
    {
        var type = "application/json";
        await using var receiver = await Receiver.StartAsync(async (context, _) =>
        {
            context.Response.ContentType = type;
            var chunk = Encoding.ASCII.GetBytes(new string(' ', 1024 * 1024));
            for (var i = 0; i < 10 && !context.RequestAborted.IsCancellationRequested; i++)
            {
                await context.Response.Body.WriteAsync(chunk);
            }
        });
        await using var guard = await StartAsync(receiver.Filter());
        AssertToolError((await guard.PostAsync(Call)).Body, "larger than 8388608 bytes");

        // 200 has accepted already; nobody reads on
        type = "text/plain";
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(Call)).Status);
        Assert.Single(guard.Reached);
    }

    [Fact]
    public async Task Receiver_ThatRedirects_BlocksTheCall()
    {
        await using var receiver = await Receiver.StartAsync((context, _) =>
        {
            context.Response.Redirect("http://169.254.169.254/latest/meta-data");
            return Task.CompletedTask;
        });
        await using var guard = await StartAsync(receiver.Filter());
        AssertToolError((await guard.PostAsync(Call)).Body, "HTTP 302");
    }

    [Fact]
    public async Task Attack_WebhookAtALinkLocalAddress_IsNotAsked()
    {
        await using var guard = await StartAsync(new GuardFilter { Id = "f", Name = "cloud", Kind = GuardFilterKinds.Webhook, Url = "http://169.254.169.254/latest", OnRequest = true, TimeoutMilliseconds = 2000 });
        AssertToolError((await guard.PostAsync(Call)).Body, "link-local");
    }

    [Fact]
    public async Task Message_Mutated_ReplacesWhatTheServerGets()
    {
        await using var receiver = await Receiver.StartAsync((context, body) => Receiver.JsonAsync(context, $$"""{"accept":true,"mutated":true,"reason":"louder","message":{{body.Replace("hello", "HELLO, and a good deal longer", StringComparison.Ordinal)}}}"""));
        await using var guard = await StartAsync(receiver.Filter(mutates: true));
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(Call)).Status);
        Assert.Equal([Call.Replace("hello", "HELLO, and a good deal longer", StringComparison.Ordinal)], guard.Reached);

        // the message itself as 'mutated', as some filters have it
        receiver.Decide = (context, body) => Receiver.JsonAsync(context, $$"""{"accept":true,"mutated":{{body.Replace("hello", "x", StringComparison.Ordinal)}}}""");
        await guard.PostAsync(Call);
        Assert.Equal(Call.Replace("hello", "x", StringComparison.Ordinal), guard.Reached[^1]);
    }

    [Fact]
    public async Task Message_MutatedByAFilterThatMayNot_IsBlocked()
    {
        await using var receiver = await Receiver.StartAsync((context, body) => Receiver.JsonAsync(context, $$"""{"accept":true,"mutated":true,"message":{{body.Replace("hello", "x", StringComparison.Ordinal)}}}"""));
        await using var guard = await StartAsync(receiver.Filter());
        AssertToolError((await guard.PostAsync(Call)).Body, "not allowed to (allowedToMutate)");
        Assert.Empty(guard.Reached);
    }

    [Fact]
    public async Task Filters_InOrder_SeeWhatTheOneBeforeMade()
    {
        await using var first = await Receiver.StartAsync((context, body) => Receiver.JsonAsync(context, $$"""{"accept":true,"mutated":true,"message":{{body.Replace("hello", "one", StringComparison.Ordinal)}}}"""));
        await using var second = await Receiver.StartAsync((context, body) => body.Contains("one", StringComparison.Ordinal) ? Receiver.JsonAsync(context, """{"accept":false,"reason":"saw one"}""") : Task.CompletedTask);
        await using var third = await Receiver.StartAsync();
        await using var guard = await StartAsync(first.Filter(mutates: true), second.Filter(), third.Filter());
        AssertToolError((await guard.PostAsync(Call)).Body, "saw one");
        Assert.Empty(third.Seen);
    }

    [Theory]
    [InlineData("tools/call", "echo", true)]
    [InlineData("tools/call", "ech?", true)]
    [InlineData("tools/*", null, true)]
    [InlineData("*", "*", true)]
    [InlineData("*", null, true)]
    [InlineData("tools/call", "other", false)]
    [InlineData("tools/list", null, false)]
    [InlineData("prompts/get", "echo", false)]
    public async Task Selector_ByMethodAndIdentifier_DecidesWhetherTheFilterIsAsked(string method, string? identifier, bool isAsked)
    {
        await using var receiver = await Receiver.StartAsync();
        await using var guard = await StartAsync(receiver.Filter(selectors: [new() { Method = method, Identifiers = identifier is null ? null : [identifier] }, new() { Method = "nothing" }]));
        Assert.Equal(HttpStatusCode.OK, (await guard.PostAsync(Call)).Status);
        Assert.Equal(isAsked ? 1 : 0, receiver.Seen.Count);
    }

    [Fact]
    public async Task Filter_OfAKindThatTheGuardDoesNotKnow_Blocks()
    {
        await using var guard = await StartAsync(new GuardFilter { Id = "f", Name = "from the future", Kind = "quantum", OnRequest = true });
        AssertToolError((await guard.PostAsync(Call)).Body, "cannot run a filter of kind 'quantum'");
    }

    [Fact]
    public async Task Filters_Replaced_AreInForceForTheNextCall()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, "no", 403));
        await using var guard = await StartAsync();
        Assert.DoesNotContain("isError", (await guard.PostAsync(Call)).Body, StringComparison.Ordinal);
        guard.Policy.Replace(new() { Revision = 2, Rules = [new() { Everyone = true }], Filters = [receiver.Filter()] });
        Assert.Contains("isError", (await guard.PostAsync(Call)).Body, StringComparison.Ordinal);
        guard.Policy.Replace(new() { Revision = 3, Rules = [new() { Everyone = true }] });
        Assert.DoesNotContain("isError", (await guard.PostAsync(Call)).Body, StringComparison.Ordinal);
    }

    /// <summary>A client's answer to the server: the server gets an error instead of it, and is not left waiting.</summary>
    [Fact]
    public async Task AnswerOfAClient_Rejected_ReachesTheServerAsAnError()
    {
        await using var receiver = await Receiver.StartAsync((context, _) => Receiver.JsonAsync(context, """{"reason":"secret in it"}""", 400));
        await using var guard = await StartAsync(receiver.Filter());
        await guard.PostAsync("""{"jsonrpc":"2.0","id":5,"result":{"action":"accept","content":{"pin":"1234"}}}""");
        var reached = JsonNode.Parse(Assert.Single(guard.Reached))!;
        Assert.Equal(5, reached["id"]!.GetValue<int>());
        Assert.Contains("secret in it", reached["error"]!["message"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    internal static Task<TestGuard> StartAsync(params GuardFilter[] filters) => TestGuard.StartAsync(new() { Rules = [new() { Everyone = true }], Filters = filters });

    internal static void AssertToolError(string body, string reason)
    {
        var message = JsonSerializer.Deserialize<JsonNode>(body)!;
        Assert.True(message["result"]?["isError"]?.GetValue<bool>(), body);
        Assert.Contains(reason, message["result"]!["content"]![0]!["text"]!.GetValue<string>(), StringComparison.Ordinal);
    }
}
