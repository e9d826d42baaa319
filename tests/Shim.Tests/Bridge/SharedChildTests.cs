using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Shim.Tests.Bridge;

public sealed class SharedChildTests
{
    [Fact]
    public async Task Calls_OfTwoPrincipalsAtOnce_AreAnsweredEachWithItsOwn()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var replies = await Task.WhenAll(Enumerable.Range(0, 50).Select(async i =>
        {
            var principal = i % 2 == 0 ? "alice" : "bob";
            var reply = await bridge.CallAsync("echo", $$"""{"n":{{i}}}""", i % 3 == 0 ? "\"same\"" : "1", principal);
            Assert.Equal(200, reply.Status);
            Assert.Equal(i % 3 == 0 ? "\"same\"" : "1", reply.Last.GetProperty("id").GetRawText());
            Assert.Equal(i, Reply.Parse(reply.Result).GetProperty("n").GetInt32());
            return (principal, (await bridge.CallAsync("pid", principal: principal)).Result);
        }));
        Assert.Equal(2, replies.Distinct().Count());
        Assert.Equal(2, replies.Select(r => r.Result).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task ProgressTokens_OfTwoCalls_AreKeptApartAndRestored()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var replies = await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            bridge.CallAsync("slow", $$"""{"ms":200,"n":{{i}}}""", "1", meta: """{"progressToken":"t"}""")));
        Assert.All(replies.Select((r, i) => (r, i)), p =>
        {
            Assert.Equal("t", p.r.Messages[0].GetProperty("params").GetProperty("progressToken").GetString());
            Assert.Equal(2, p.r.Messages.Count);
            Assert.Contains($"\"n\":{p.i}", p.r.Result, StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task ServerRequest_WithoutASession_IsRefusedForTheCaller()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        Assert.Contains("-32601", (await bridge.CallAsync("ask")).Result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cancellation_ByNotification_NamesTheIdThatTheServerKnows()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var echoed = Reply.Parse((await bridge.CallAsync("echo", id: "42")).Result).GetProperty("id").GetInt64();
        var slow = bridge.CallAsync("slow", """{"ms":20000}""", "42");
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(202, (await bridge.PostAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":42}}""")).Status);
        Assert.Equal($"[{echoed + 1}]", (await bridge.CallAsync("cancelled")).Result);
        var reply = await slow;
        Assert.Contains("cancelled", reply.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(42, reply.Last.GetProperty("id").GetInt32());
    }

    [Fact]
    public async Task Child_Gone_IsStartedAgainByTheNextCall()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var pid = (await bridge.CallAsync("pid")).Result;
        Assert.Contains("exited with code 4", (await bridge.CallAsync("exit", """{"code":4}""")).ErrorMessage, StringComparison.Ordinal);
        Assert.NotEqual(pid, (await bridge.CallAsync("pid")).Result);
    }

    [Theory]
    [InlineData("""{"code":4}""", "exited with code 4")]
    [InlineData("""{"signal":"SIGKILL"}""", "was killed by signal 9")]
    public async Task Child_ThatEndsUnexpectedly_IsInTheLog(string how, string end)
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var pid = (await bridge.CallAsync("pid")).Result;
        await bridge.CallAsync("exit", how);
        Assert.Equal("out of cheese", (await bridge.NextAsync(ShimEvent.Log)).Line);
        Assert.Equal($"server process {pid} {end}", (await bridge.NextAsync(ShimEvent.Log)).Line);
    }

    [Fact]
    public async Task Child_EndedOnPurpose_IsNotInTheLog()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var session = await bridge.InitializeAsync();
        using var response = await bridge.SendAsync(TestBridge.Request(HttpMethod.Delete, session: session));
        await bridge.CallAsync("exit", """{"code":4}""");
        Assert.Equal("out of cheese", (await bridge.NextAsync(ShimEvent.Log)).Line);
    }

    [Fact]
    public async Task Answer_OfFiftyMegabytes_Passes()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        Assert.Equal(50_000_000, (await bridge.CallAsync("big", """{"size":50000000}""")).Result.Length);
    }

    [Fact]
    public async Task Answer_LongerThanTheLimit_EndsTheChildAndSaysSo()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy", new BridgeLimits { MaxMessageBytes = 100_000 });
        var reply = await bridge.CallAsync("big", """{"size":200000}""");
        Assert.Equal(-32603, reply.ErrorCode);
        Assert.Contains("longer than 100000 bytes", reply.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(200, (await bridge.CallAsync("pid")).Status);
    }

    [Fact]
    public async Task Environment_OfAChild_IsTheManifestsAndNothingOfTheBridge()
    {
        Environment.SetEnvironmentVariable("CLUSTER_SECRET", "leaked");
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var env = JsonSerializer.Deserialize<Dictionary<string, string>>((await bridge.CallAsync("env")).Result)!;
        Assert.Equal("of the manifest", env["SERVER_KEY"]);
        Assert.Equal(bridge.Boot.WorkingDirectory, env["HOME"]);
        string[] allowed = ["PATH", "HOME", "LANG", "TZ", "TMPDIR", "SERVER_KEY", "PWD", "SHLVL", "_", "OLDPWD"];
        Assert.Empty(env.Keys.Where(k => !allowed.Contains(k) && !k.Contains("PROXY", StringComparison.OrdinalIgnoreCase) && !k.StartsWith("SSL_", StringComparison.Ordinal) && k != "NODE_EXTRA_CA_CERTS"));
    }

    [Theory]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", 400, -32600)]
    [InlineData("{", 400, -32700)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}""", 400, -32600)]
    [InlineData("""{"id":1,"method":"ping"}""", 400, -32600)]
    public async Task Body_ThatIsNoSingleMessage_IsRefused(string body, int status, int code)
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var reply = await bridge.PostAsync(body);
        Assert.Equal((status, code), (reply.Status, reply.ErrorCode));
    }

    [Fact]
    public async Task Body_OverSeveralLines_IsOneLineForTheServer()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        var reply = await bridge.PostAsync("{\r\n  \"jsonrpc\": \"2.0\",\n  \"id\": 1,\n  \"method\": \"tools/call\",\n  \"params\": {\n \"name\": \"echo\", \"arguments\": {\n \"n\": \"a\\nb\" }\n}\n}\n");
        Assert.Equal("a\nb", Reply.Parse(reply.Result).GetProperty("n").GetString());
    }

    [Fact]
    public async Task Body_LongerThanTheLimit_Is413()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy", new BridgeLimits { MaxRequestBodyBytes = 1000 });
        var reply = await bridge.CallAsync("echo", $$"""{"x":"{{new string('x', 2000)}}"}""");
        Assert.Equal(413, reply.Status);
        Assert.Equal(JsonValueKind.Null, reply.Last.GetProperty("id").ValueKind);
    }

    [Fact]
    public async Task Caller_WithoutSecretOrPrincipal_IsRefused()
    {
        await using var bridge = await TestBridge.ReadyAsync("legacy");
        Assert.Equal(403, (await bridge.PostAsync("{}", "alice", null, (ObotHeaders.BridgeSecret, "wrong"))).Status);
        Assert.Equal(400, (await bridge.PostAsync("{}", "alice", null, (ObotHeaders.Principal, ""))).Status);
    }

    [Fact]
    public async Task Tree_OfAChild_DiesWithIt()
    {
        await using var bridge = await TestBridge.ReadyAsync("tree", new BridgeLimits { ChildIdleSeconds = 1 });
        var pid = int.Parse((await bridge.CallAsync("pid")).Result, CultureInfo.InvariantCulture);
        var tree = Obot.Shim.Bridge.Children.ProcessTree.Of(pid).Select(m => m.Id).ToList();
        Assert.True(tree.Count >= 3, $"{tree.Count} processes");
        await Task.Delay(5000, TestContext.Current.CancellationToken);
        Assert.Empty(tree.Where(IsAlive));
    }

    internal static bool IsAlive(int pid)
    {
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
