using System.Net;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Guard.EraBridge;

/// <summary>Modern clients before a server that knows sessions only.</summary>
public sealed class ModernBridgeTests
{
    private readonly LegacyServer server = new();

    [Fact]
    public async Task Discover_BecomesInitialize()
    {
        await using var guard = await StartAsync();
        var (status, body) = await CallAsync(guard, "server/discover");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(["2026-07-28"], body["result"]!["supportedVersions"]!.AsArray().Select(version => version!.GetValue<string>()));
        Assert.Equal("be kind", body["result"]!["instructions"]!.GetValue<string>());
        Assert.True(body["result"]!["capabilities"]!["tools"]!["listChanged"]!.GetValue<bool>());
        Assert.Equal("old", body["result"]!["_meta"]!["io.modelcontextprotocol/serverInfo"]!["name"]!.GetValue<string>());
    }

    [Fact]
    public async Task Requests_OfOnePrincipal_ShareASessionUnderIdsOfTheGuards()
    {
        await using var guard = await StartAsync();
        var (_, list) = await CallAsync(guard, "tools/list", id: "\"x\"");
        Assert.Equal(("x", "complete", 0, "private"), (list["id"]!.GetValue<string>(), list["result"]!["resultType"]!.GetValue<string>(), list["result"]!["ttlMs"]!.GetValue<int>(), list["result"]!["cacheScope"]!.GetValue<string>()));
        Assert.Equal("done", (await CallAsync(guard, "tools/call", "echo")).Body["result"]!["content"]![0]!["text"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.NotFound, (await CallAsync(guard, "vendor/thing")).Status);
        Assert.Single(server.Sessions);
        Assert.DoesNotContain("io.modelcontextprotocol", string.Concat(server.Messages.Where(message => message["method"]?.ToString() is "tools/list" or "tools/call").Select(message => message.ToJsonString())), StringComparison.Ordinal);

        // another one's, and the server's restart
        await CallAsync(guard, "tools/list", user: "bob");
        Assert.Equal(2, server.Sessions.Count);
        server.Sessions.Clear();
        Assert.Equal(HttpStatusCode.OK, (await CallAsync(guard, "tools/list")).Status);
        Assert.Single(server.Sessions);
    }

    [Fact]
    public async Task Question_OfTheServer_IsInputRequiredAndGoesOnWithTheAnswer()
    {
        await using var guard = await StartAsync();
        var (_, first) = await CallAsync(guard, "tools/call", "ask");
        var asked = first["result"]!;
        Assert.Equal("input_required", asked["resultType"]!.GetValue<string>());
        var (key, question) = asked["inputRequests"]!.AsObject().Single();
        Assert.Equal(("elicitation/create", "your name?"), (question!["method"]!.GetValue<string>(), question["params"]!["message"]!.GetValue<string>()));
        var state = asked["requestState"]!.GetValue<string>();

        var stolen = await CallAsync(guard, "tools/call", "ask", Inputs(key, state, """{"action":"accept"}"""), user: "bob");
        Assert.Equal((HttpStatusCode.BadRequest, -32602), (stolen.Status, stolen.Body["error"]!["code"]!.GetValue<int>()));
        var second = (await CallAsync(guard, "tools/call", "ask", Inputs(key, state, """{"action":"accept","content":{"name":"Ann"}}"""))).Body["result"]!;
        Assert.Equal("input_required", second["resultType"]!.GetValue<string>());
        var (next, sampling) = second["inputRequests"]!.AsObject().Single();
        Assert.Equal("sampling/createMessage", sampling!["method"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.BadRequest, (await CallAsync(guard, "tools/call", "ask", Inputs(key, state, "{}"))).Status);
        var done = (await CallAsync(guard, "tools/call", "ask", Inputs(next, second["requestState"]!.GetValue<string>(), """{"role":"assistant"}"""))).Body;
        Assert.Equal("done", done["result"]!["content"]![0]!["text"]!.GetValue<string>());
        Assert.Contains(server.Messages, message => message["id"]?.ToString() == "ask-1" && message["result"]!["content"]!["name"]!.ToString() == "Ann");
    }

    [Fact]
    public async Task Question_NotAnsweredInTime_IsGone()
    {
        await using var guard = await StartAsync();
        var asked = (await CallAsync(guard, "tools/call", "ask")).Body["result"]!;
        guard.Time.Advance(TimeSpan.FromMinutes(11));
        guard.Freshness.Heard(TimeSpan.Zero);
        Assert.Equal(HttpStatusCode.BadRequest, (await CallAsync(guard, "tools/call", "ask", Inputs(asked["inputRequests"]!.AsObject().Single().Key, asked["requestState"]!.GetValue<string>(), "{}"))).Status);
    }

    [Fact]
    public async Task Progress_AndLogs_ComeAsTheClientAskedForThem()
    {
        await using var guard = await StartAsync();
        var (_, quiet) = await CallAsync(guard, "tools/call", "log");
        Assert.Equal("done", quiet["result"]!["content"]![0]!["text"]!.GetValue<string>());
        var text = await TextAsync(guard, "tools/call", "log", meta: "\"progressToken\":\"mine\",\"io.modelcontextprotocol/logLevel\":\"info\",");
        Assert.Contains("\"progressToken\":\"mine\"", text, StringComparison.Ordinal);
        Assert.Contains("\"data\":\"working\"", text, StringComparison.Ordinal);
        Assert.Contains("\"resultType\":\"complete\"", text, StringComparison.Ordinal);
        Assert.Contains(server.Messages, message => message["method"]?.ToString() is "logging/setLevel" && message["params"]!["level"]!.ToString() is "info");
    }

    [Fact]
    public async Task Disconnect_OfTheClient_CancelsAtTheServer()
    {
        await using var guard = await StartAsync();
        using (var response = await SendAsync(guard, "tools/call", "slow", "", "\"progressToken\":1,", "ann", "1"))
        {
            Assert.NotEqual(0, await (await response.Content.ReadAsStreamAsync()).ReadAsync(new byte[10]));
        }

        await server.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Listen_IsTheSessionsStream_WithWhatWasAskedFor()
    {
        await using var guard = await StartAsync();
        using var response = await SendAsync(guard, "subscriptions/listen", null, "\"notifications\":{\"toolsListChanged\":true,\"resourcesListChanged\":true},", "", "ann", "9");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var events = new List<JsonNode>();
        while (events.Count < 2 && await reader.ReadLineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                events.Add(JsonNode.Parse(line[6..])!);
            }
        }

        Assert.Equal("""{"toolsListChanged":true}""", events[0]["params"]!["notifications"]!.ToJsonString());
        Assert.Equal(["notifications/subscriptions/acknowledged", "notifications/tools/list_changed"], events.Select(one => one["method"]!.ToString()));
        Assert.All(events, one => Assert.Equal(9, one["params"]!["_meta"]!["io.modelcontextprotocol/subscriptionId"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Translation_SwitchedOff_NamesTheVersionsThatThereAre()
    {
        await using var guard = await StartAsync(translates: false);
        var (status, body) = await CallAsync(guard, "tools/list");
        Assert.Equal((HttpStatusCode.BadRequest, -32022), (status, body["error"]!["code"]!.GetValue<int>()));
        Assert.Equal("2025-11-25", body["error"]!["data"]!["supported"]![0]!.GetValue<string>());
        Assert.Empty(server.Sessions);
    }

    private Task<TestGuard> StartAsync(bool translates = true) => TestGuard.StartAsync(new GuardPolicy { Rules = [new() { Everyone = true }] }, translates: translates, answer: server.AnswerAsync);

    private static string Inputs(string key, string state, string result) => $$$"""
        "inputResponses":{"{{{key}}}":{{{result}}} },"requestState":"{{{state}}}",
        """;

    private static async Task<(HttpStatusCode Status, JsonNode Body)> CallAsync(TestGuard guard, string method, string? name = null, string more = "", string user = "ann", string id = "1")
    {
        using var response = await SendAsync(guard, method, name, more, "", user, id);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonNode.Parse(text.Split('\n').LastOrDefault(line => line.StartsWith("data: ", StringComparison.Ordinal))?[6..] ?? text)!);
    }

    private static async Task<string> TextAsync(TestGuard guard, string method, string name, string meta)
    {
        using var response = await SendAsync(guard, method, name, "", meta, "ann", "1");
        return await response.Content.ReadAsStringAsync();
    }

    private static Task<HttpResponseMessage> SendAsync(TestGuard guard, string method, string? name, string more, string meta, string user, string id)
    {
        var named = name is null ? "" : $"\"name\":\"{name}\",";
        var body = $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"{{{method}}}","params":{{{{named}}}{{{more}}}"_meta":{{{{meta}}}"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"elicitation":{},"sampling":{} } } } }""";
        (string, string)[] headers = [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method), ("Accept", "application/json, text/event-stream"), .. name is null ? [] : new[] { ("Mcp-Name", name) }];
        return guard.SendAsync(HttpMethod.Post, user, [], body, headers);
    }
}
