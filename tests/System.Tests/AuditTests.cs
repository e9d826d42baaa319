using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>What is recorded of calls, who may read it, and that it is there soon.</summary>
public sealed class AuditTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Searchable = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Call_Answered_IsFoundWithEverythingThatIsKnownOfIt()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("audited"));
        using var owner = Cluster.Connect(server, 1);
        var session = await owner.InitializeAsync(Cancellation);
        var marker = $"marker-{Guid.NewGuid():N}";
        Assert.Equal(200, (await owner.ToolAsync("echo", new JsonObject { ["message"] = marker }, session, Cancellation)).Status);
        var clock = Stopwatch.StartNew();
        var item = (await EventuallyAsync($"mcpServerID={server.Id}&method=tools/call&identifier=echo&status=ok&sessionID={Uri.EscapeDataString(session ?? "")}"))[0];
        Output.WriteLine($"searchable after {clock.Elapsed.TotalMilliseconds:0} ms (bound {Searchable.TotalMilliseconds:0} ms)");
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Searchable);
        Assert.Equal(("bootstrap", "obot-tests-raw", "1.0.0", server.Id, 200, "127.0.0.1"), (Text(item, "userID"), Text(item, "clientName"), Text(item, "clientVersion"), Text(item, "mcpServerID"), item.GetProperty("status").GetInt32(), Text(item, "clientIP")));
        Assert.False(item.TryGetProperty("error", out _));
        Assert.Equal(JsonValueKind.Array, item.GetProperty("filters").ValueKind);
        Assert.True(item.GetProperty("durationMs").GetDouble() > 0);
        Assert.DoesNotContain(marker, item.GetRawText(), StringComparison.Ordinal);

        // bodies are an auditor's, and the owner is none
        var plain = await Cluster.Http.GetFromJsonAsync<JsonElement>($"/api/mcp-audit-logs/{Text(item, "id")}", Cancellation);
        Assert.False(plain.TryGetProperty("requestBody", out _));
        var auditor = await People.AddAsync(Cluster, "Basic");
        await People.ExecuteAsync(Cluster, $"UPDATE users SET auditor = true WHERE id = '{auditor.Id}'");
        using var reading = Rules.As(Cluster, auditor);
        var whole = await Eventually.ReadAsync("the record", "with bodies", Searchable, () => reading.GetFromJsonAsync<JsonElement>($"/api/mcp-audit-logs/{Text(item, "id")}", Cancellation), one => one.TryGetProperty("requestBody", out _));
        Assert.Equal(marker, whole.GetProperty("requestBody").GetProperty("params").GetProperty("arguments").GetProperty("message").GetString());
        Assert.Contains(marker, whole.GetProperty("responseBody").ToString(), StringComparison.Ordinal);
        Assert.True(whole.GetProperty("requestHeaders").EnumerateObject().Any());
        Assert.DoesNotContain(Cluster.Token, whole.GetRawText(), StringComparison.Ordinal);
        var read = (await EventuallyAsync($"method=obot/audit-log/read&identifier={Text(item, "id")}"))[0];
        Assert.Equal((auditor.Id, server.Id), (Text(read, "userID"), Text(read, "mcpServerID")));
    }

    [Fact]
    public async Task Refusals_OfGuardAndGateway_AreRecordedOnce()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("refused"));
        using var owner = Cluster.Connect(server);
        Assert.Equal(200, (await owner.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        var ann = await People.AddAsync(Cluster, "Basic");
        using var stranger = new McpHttp(Cluster.Endpoint(server), ann.Key);
        Assert.Equal(403, (await stranger.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        using var nobody = new McpHttp(Cluster.Endpoint(server), "obot_none_none");
        Assert.Equal(401, (await nobody.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        using var lost = new McpHttp(new Uri(Cluster.Urls[0], $"/mcp-connect/{server.Id}x"), ann.Key);
        Assert.Equal(404, (await lost.ToolAsync("echo", cancellationToken: Cancellation)).Status);

        var forbidden = await EventuallyAsync($"mcpServerID={server.Id}&status=403");
        Assert.Equal((ann.Id, "tools/call", "echo"), (Text(forbidden[0], "userID"), Text(forbidden[0], "method"), Text(forbidden[0], "identifier")));
        Assert.Contains("may not call", Text(forbidden[0], "error"), StringComparison.Ordinal);
        var unknown = await EventuallyAsync($"mcpServerID={server.Id}&status=401");
        Assert.False(unknown[0].TryGetProperty("userID", out _));
        var missing = await EventuallyAsync($"mcpServerID={server.Id}x&status=4xx");
        Assert.Equal((ann.Id, "tools/call"), (Text(missing[0], "userID"), Text(missing[0], "method")));
        Assert.Equal([1, 1, 1], new[] { forbidden.Count, unknown.Count, missing.Count });
    }

    [Fact]
    public async Task Pages_OfASearch_NeitherSkipNorRepeat_AndOthersSeeTheirOwnServersOnly()
    {
        var power = await People.AddAsync(Cluster, "Power");
        using var asPower = Rules.As(Cluster, power);
        using var made = await asPower.PostAsJsonAsync("/api/mcp-servers", new { manifest = await Manifests.StdioFixtureAsync("power's") }, Cancellation);
        var server = Adopt((await made.Content.ReadFromJsonAsync<McpServer>(Cancellation))!);
        using var client = new McpHttp(Cluster.Endpoint(server), power.Key);
        for (var i = 0; i < 23; i++)
        {
            Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        }

        await EventuallyAsync($"mcpServerID={server.Id}&query=ECH&limit=500", 23);
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await asPower.GetFromJsonAsync<JsonElement>($"/api/mcp-audit-logs?mcpServerID={server.Id}&identifier=echo&limit=5&cursor={cursor}", Cancellation);
            seen.AddRange(page.GetProperty("items").EnumerateArray().Select(item => Text(item, "id")!));
            cursor = Text(page, "nextCursor");
            Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        }
        while (cursor is not null);
        Assert.Equal(23, seen.Count);
        Assert.Equal(seen.Distinct(StringComparer.Ordinal).OrderDescending(StringComparer.Ordinal), seen);

        var own = (await asPower.GetFromJsonAsync<JsonElement>("/api/mcp-audit-logs?limit=500", Cancellation)).GetProperty("items").EnumerateArray().ToList();
        Assert.All(own, item => Assert.Equal(server.Id, Text(item, "mcpServerID")));
        using var asBasic = Rules.As(Cluster, await People.AddAsync(Cluster, "Basic"));
        Assert.Equal(HttpStatusCode.Forbidden, (await asBasic.GetAsync(new Uri("/api/mcp-audit-logs", UriKind.Relative), Cancellation)).StatusCode);
        foreach (var (query, field) in (IEnumerable<(string, string)>)[("status=7", "status"), ("startTime=yesterday", "startTime"), ("limit=501", "limit"), ("cursor=!", "cursor"), ("startTime=2026-01-02T00:00:00Z&endTime=2026-01-01T00:00:00Z", "endTime")])
        {
            using var bad = await Cluster.Http.GetAsync(new Uri($"/api/mcp-audit-logs?{query}", UriKind.Relative), Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
            Assert.Equal(field, Text(await bad.Content.ReadFromJsonAsync<JsonElement>(Cancellation), "field"));
        }

        var stats = await asPower.GetFromJsonAsync<JsonElement>($"/api/mcp-stats?mcpServerID={server.Id}", Cancellation);
        Assert.InRange(stats.GetProperty("calls").GetInt64(), 23, 40);
        Assert.Equal(1, stats.GetProperty("users").GetInt64());
        Assert.True(stats.GetProperty("p95Ms").GetDouble() >= stats.GetProperty("p50Ms").GetDouble());
        Assert.Equal("echo", Text(stats.GetProperty("items")[0].GetProperty("topTools")[0], "tool"));
    }

    private async Task<List<JsonElement>> EventuallyAsync(string query, int least = 1) => await Eventually.ReadAsync(
        "the audit log",
        query,
        Searchable * 4,
        async () => (await Cluster.Http.GetFromJsonAsync<JsonElement>($"/api/mcp-audit-logs?{query}", Cancellation)).GetProperty("items").EnumerateArray().ToList(),
        items => items.Count >= least);

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;
}
