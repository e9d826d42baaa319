using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Bridge;

public sealed class LegacySessionTests
{
    [Fact]
    public async Task Session_OfEachInitialize_HasAChildOfItsOwn()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var (first, second) = (await bridge.InitializeAsync(), await bridge.InitializeAsync());
        Assert.NotEqual(first, second);
        var one = (await bridge.CallAsync("pid", session: first)).Result;
        Assert.NotEqual(one, (await bridge.CallAsync("pid", session: second)).Result);
        Assert.NotEqual(one, (await bridge.CallAsync("pid")).Result);
    }

    [Fact]
    public async Task Session_OfAnotherPrincipal_IsNotFound()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync("alice");
        var stolen = await bridge.CallAsync("pid", id: "\"x\"", principal: "mallory", session: session);
        Assert.Equal(404, stolen.Status);
        Assert.Equal(-32001, stolen.ErrorCode);
        Assert.Equal("x", stolen.Last.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Session_AfterDelete_IsNotFound()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        using var deleted = await bridge.SendAsync(TestBridge.Request(HttpMethod.Delete, session: session));
        Assert.Equal(204, (int)deleted.StatusCode);
        Assert.Equal(404, (await bridge.CallAsync("pid", session: session)).Status);
    }

    [Fact]
    public async Task Call_WithProgress_BecomesAStream()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        var reply = await bridge.CallAsync("slow", """{"ms":50}""", "5", session: session, meta: """{"progressToken":"tok"}""");
        Assert.Equal("text/event-stream", reply.MediaType);
        Assert.Equal(["notifications/progress", ""], reply.Messages.Select(m => m.TryGetProperty("method", out var method) ? method.GetString()! : ""));
        Assert.Equal("tok", reply.Messages[0].GetProperty("params").GetProperty("progressToken").GetString());
    }

    [Fact]
    public async Task Call_WhoseClientTakesJsonOnly_WaitsForTheAnswer()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        var reply = await bridge.PostAsync(TestBridge.ToolCall("log"), "alice", session, ("Accept", "application/json"));
        Assert.Equal("application/json", reply.MediaType);
        Assert.Equal("logged", reply.Result);
    }

    [Fact]
    public async Task ServerRequest_IsAskedOnTheCallAndAnsweredByPost()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        using var response = await bridge.SendAsync(TestBridge.Request(HttpMethod.Post, TestBridge.ToolCall("ask"), session: session));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var question = await NextAsync(reader);
        Assert.Equal("elicitation/create", question.GetProperty("method").GetString());
        var answered = await bridge.PostAsync($$$"""{"jsonrpc":"2.0","id":{{{question.GetProperty("id").GetRawText()}}},"result":{"name":"Ann"}}""", session: session);
        Assert.Equal(202, answered.Status);
        Assert.Contains("Ann", (await NextAsync(reader)).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Notification_WithoutACall_GoesToTheGetStream()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        await bridge.CallAsync("changed", session: session);
        await Task.Delay(150, TestContext.Current.CancellationToken); // nobody listens yet: it is buffered
        using var response = await bridge.SendAsync(TestBridge.Request(HttpMethod.Get, session: session));
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("notifications/tools/list_changed", (await NextAsync(reader)).GetProperty("method").GetString());
    }

    [Fact]
    public async Task Disconnect_IsNoCancellation()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        using var impatient = new CancellationTokenSource(200);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bridge.SendAsync(
            TestBridge.Request(HttpMethod.Post, TestBridge.ToolCall("slow", """{"ms":400}""", "77"), session: session), impatient.Token));
        await Task.Delay(500, TestContext.Current.CancellationToken);
        Assert.Equal("[]", (await bridge.CallAsync("cancelled", id: "78", session: session)).Result);
        Assert.StartsWith("slow", (await bridge.CallAsync("slow", """{"ms":1}""", "77", session: session)).Result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Id_InFlightTwice_IsRefused()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        var first = bridge.CallAsync("slow", """{"ms":500}""", "7", session: session);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        var second = await bridge.CallAsync("echo", id: "7", session: session);
        Assert.Equal((400, -32600), (second.Status, second.ErrorCode));
        Assert.Equal("7", (await bridge.CallAsync("echo", id: "\"7\"", session: session)).Last.GetProperty("id").GetString());
        Assert.StartsWith("slow", (await first).Result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Child_Killed_AnswersItsCallsAndLosesItsSession()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        var pid = int.Parse((await bridge.CallAsync("pid", session: session)).Result, CultureInfo.InvariantCulture);
        var hanging = bridge.CallAsync("hang", id: "9", session: session);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Process.GetProcessById(pid).Kill();
        var reply = await hanging;
        Assert.Equal(-32603, reply.ErrorCode);
        Assert.Contains("was killed by signal 9", reply.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(9, reply.Last.GetProperty("id").GetInt32());
        Assert.Equal(404, (await bridge.CallAsync("pid", session: session)).Status);
    }

    [Fact]
    public async Task Child_ThatExits_SaysItsCodeAndLastLine()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        var reply = await bridge.CallAsync("exit", """{"code":4}""", session: session);
        Assert.Contains("exited with code 4: out of cheese", reply.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_BeyondTheLimit_EvictTheIdleOneOfTheSamePrincipalOnly()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy", new BridgeLimits { MaxChildrenPerPrincipal = 2 });
        var bob = await bridge.InitializeAsync("bob");
        var (first, second) = (await bridge.InitializeAsync(), await bridge.InitializeAsync());
        var busy = bridge.CallAsync("slow", """{"ms":1500}""", session: first);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        var third = await bridge.InitializeAsync();
        Assert.Equal(404, (await bridge.CallAsync("pid", session: second)).Status);
        var alsoBusy = bridge.CallAsync("slow", """{"ms":1000}""", session: third);
        await Task.Delay(100, TestContext.Current.CancellationToken);
        var refused = await bridge.PostAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}""");
        Assert.Equal(429, refused.Status);
        Assert.Equal(200, (await busy).Status);
        Assert.Equal(200, (await alsoBusy).Status);
        Assert.Equal(200, (await bridge.CallAsync("pid", principal: "bob", session: bob)).Status);
    }

    [Fact]
    public async Task Session_Idle_IsEnded()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy", new BridgeLimits { ChildIdleSeconds = 1 });
        var session = await bridge.InitializeAsync();
        await Task.Delay(2500, TestContext.Current.CancellationToken);
        Assert.Equal(404, (await bridge.CallAsync("pid", session: session)).Status);
    }

    internal static async Task<JsonElement> NextAsync(StreamReader reader)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (await reader.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                return Reply.Parse(line[6..]);
            }
        }

        throw new EndOfStreamException("the stream ended before the next event");
    }
}
