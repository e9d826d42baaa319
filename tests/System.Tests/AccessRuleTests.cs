using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Who may call what, through both silos and real guards.</summary>
public sealed class AccessRuleTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan InForce = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Server_WithoutARule_IsItsOwnersAlone()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("no rule"));
        using var owner = Cluster.Connect(server);
        Assert.Equal(200, (await owner.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        foreach (var role in (string[])["Basic", "PowerPlus", "Admin", "Owner"])
        {
            var person = await People.AddAsync(Cluster, role);
            using var client = new McpHttp(Cluster.Endpoint(server), person.Key);
            var answer = await client.ToolAsync("echo", cancellationToken: Cancellation);
            Assert.Equal(403, answer.Status);
            Assert.Contains("administrator", answer.Error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
            Assert.Equal(403, (await client.CallAsync("initialize", new JsonObject { ["protocolVersion"] = McpHttp.Legacy, ["capabilities"] = new JsonObject(), ["clientInfo"] = new JsonObject { ["name"] = "x", ["version"] = "1" } }, cancellationToken: Cancellation)).Status);
        }
    }

    [Fact]
    public async Task Rule_ForAUserAGroupAndEveryone_OpensTheServerThroughEverySilo()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("subjects"));
        var ann = await People.AddAsync(Cluster, "Basic");
        var bob = await People.AddAsync(Cluster, "Basic", "g-support", "g-other");
        var cy = await People.AddAsync(Cluster, "Basic", "g-other");
        var rules = new List<string> { await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Server(server)]) };
        await EventuallyAsync(server, ann, 200);
        await EventuallyAsync(server, bob, 403);
        rules.Add(await Rules.AddAsync(Cluster, [Rules.Group("g-support")], [Rules.Server(server)]));
        await EventuallyAsync(server, bob, 200);
        await EventuallyAsync(server, cy, 403);
        rules.Add(await Rules.AddAsync(Cluster, [Rules.Everyone], [Rules.Server(server)]));
        await EventuallyAsync(server, cy, 200);
        foreach (var rule in rules)
        {
            await Rules.DeleteAsync(Cluster, rule);
        }

        foreach (var person in (Person[])[ann, bob, cy])
        {
            await EventuallyAsync(server, person, 403);
        }

        rules = [await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Everyone])];
        await EventuallyAsync(server, ann, 200);
        await Rules.DeleteAsync(Cluster, rules[0]);
    }

    [Fact]
    public async Task Rule_WithTools_OpensThemAndNothingElse()
    {
        var server = await MakeAsync(Manifests.Npx("tool globs", Manifests.Everything));
        var ann = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Server(server)], "echo", "get-s*");
        using var client = new McpHttp(Cluster.Endpoint(server), ann.Key);
        using var owner = Cluster.Connect(server);
        var all = ToolNames((await owner.CallAsync("tools/list", session: await owner.InitializeAsync(Cancellation), cancellationToken: Cancellation)).Result);
        await EventuallyAsync(server, ann, 200);
        var session = await client.InitializeAsync(Cancellation);
        var expected = all.Where(name => name is "echo" || name.StartsWith("get-s", StringComparison.Ordinal)).ToArray();
        Output.WriteLine($"all: {string.Join(' ', all)}; seen: {string.Join(' ', expected)}");
        Assert.InRange(expected.Length, 2, all.Count - 1);

        Assert.Equal(expected, ToolNames((await client.CallAsync("tools/list", session: session, cancellationToken: Cancellation)).Result));
        Assert.Equal(200, (await client.ToolAsync("echo", new JsonObject { ["message"] = "x" }, session, Cancellation)).Status);
        Assert.Equal(403, (await client.ToolAsync(all.First(name => !expected.Contains(name)), session: session, cancellationToken: Cancellation)).Status);
        Assert.Equal(403, (await client.CallAsync("resources/read", new JsonObject { ["uri"] = "x:y" }, session, Cancellation)).Status);
        Assert.Empty((await client.CallAsync("prompts/list", session: session, cancellationToken: Cancellation)).Result!["prompts"]!.AsArray());
        await Rules.DeleteAsync(Cluster, rule);
    }

    [Fact]
    public async Task ModernList_OfARestrictedCaller_IsPrivate()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await MakeAsync(Manifests.Remote("modern list", fixture.Url));
        var ann = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Server(server)], "echo");
        using var client = new McpHttp(Cluster.Endpoint(server), ann.Key);
        var list = await Eventually.ReadAsync("the list", "open", InForce, () => client.ModernAsync("tools/list", cancellationToken: Cancellation), answer => answer.Status == 200);
        Assert.Equal(["echo"], ToolNames(list.Result));
        Assert.Equal("private", list.Result!["cacheScope"]!.GetValue<string>());
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
        using var forged = client.ModernRequest("tools/call", new JsonObject { ["name"] = "slow", ["arguments"] = new JsonObject() });
        forged.Headers.Remove("Mcp-Name");
        forged.Headers.Add("Mcp-Name", "echo");
        Assert.Equal(400, (await client.SendAsync(forged, Cancellation)).Status);
        await Rules.DeleteAsync(Cluster, rule);
    }

    [Theory]
    [InlineData("legacy")]
    [InlineData("auto")]
    public async Task Inspector_OfARestrictedCaller_ListsAndCallsWhatIsOpen(string era)
    {
        await Npm.EnsureInstalledAsync();
        var server = await MakeAsync(Manifests.Npx($"inspector rules {era}", Manifests.Everything));
        var ann = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Server(server)], "ech?");
        await EventuallyAsync(server, ann, 200);
        var list = (await InspectAsync("--method", "tools/list")).Checked().Output;
        Assert.Contains("\"echo\"", list, StringComparison.Ordinal);
        Assert.DoesNotContain("get-sum", list, StringComparison.Ordinal);
        Assert.Contains("hello", (await InspectAsync("--method", "tools/call", "--tool-name", "echo", "--tool-arg", "message=hello")).Checked().Output, StringComparison.Ordinal);
        var refused = await InspectAsync("--method", "tools/call", "--tool-name", "get-sum", "--tool-arg", "a=1", "--tool-arg", "b=2");
        Output.WriteLine($"{era}: {refused}");
        Assert.NotEqual(0, refused.ExitCode);
        await Rules.DeleteAsync(Cluster, rule);

        Task<ProcessResult> InspectAsync(params string[] method) => ProcessRunner.RunAsync(
            Npm.Command("mcp-inspector"), ["--cli", Cluster.Endpoint(server).ToString(), "--transport", "http", "--protocol-era", era, .. method, "--header", $"Authorization: Bearer {ann.Key}"], TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task Lists_OfServers_ShowWhatMayBeCalled()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("listed"));
        var ann = await People.AddAsync(Cluster, "Basic", "g-listed");
        using var http = Rules.As(Cluster, ann);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri($"/api/mcp-servers/{server.Id}", UriKind.Relative), Cancellation)).StatusCode);
        var rule = await Rules.AddAsync(Cluster, [Rules.Group("g-listed")], [Rules.Server(server)], "echo");
        var list = await http.GetFromJsonAsync<JsonElement>("/api/mcp-servers", Cancellation);
        Assert.Equal([server.Id], list.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString()));
        var tools = await Eventually.ReadAsync(
            "the tools", "listed", InForce, () => http.GetFromJsonAsync<JsonElement>($"/api/mcp-servers/{server.Id}/tools", Cancellation), value => value.ValueKind is JsonValueKind.Object);
        Assert.Equal(["echo"], tools.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("name").GetString()));
        Assert.Equal(HttpStatusCode.Forbidden, (await http.DeleteAsync(new Uri($"/api/mcp-servers/{server.Id}", UriKind.Relative), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await http.PostAsync(new Uri($"/api/mcp-servers/{server.Id}/stop", UriKind.Relative), null, Cancellation)).StatusCode);
        await Rules.DeleteAsync(Cluster, rule);
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync(new Uri($"/api/mcp-servers/{server.Id}", UriKind.Relative), Cancellation)).StatusCode);
    }

    [Fact]
    public async Task SingleUserServer_OpenToSomebodyElse_GivesThemAnInstanceOfTheirOwn()
    {
        var own = JsonSerializer.SerializeToNode(await Manifests.StdioFixtureAsync("per user"))!;
        own["serverUserType"] = "singleUser";
        var perUser = await MakeAsync(own);
        var together = await MakeAsync(await Manifests.StdioFixtureAsync("together"));
        var ann = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Server(perUser), Rules.Server(together)]);
        foreach (var (server, isOwn) in (IEnumerable<(McpServer, bool)>)[(perUser, true), (together, false)])
        {
            using var owner = Cluster.Connect(server);
            Assert.Equal(200, (await owner.ToolAsync("echo", cancellationToken: Cancellation)).Status);
            await EventuallyAsync(server, ann, 200);
            using var http = Rules.As(Cluster, ann);
            var hers = await http.GetFromJsonAsync<JsonElement>($"/api/mcp-servers/{server.Id}/details", Cancellation);
            var his = await Cluster.DetailsAsync(server.Id);
            Assert.Equal(isOwn, hers.GetProperty("guardURL").GetString() != his.GuardURL!.OriginalString);
        }

        await Rules.DeleteAsync(Cluster, rule);
    }

    [Fact]
    public async Task Api_ForOthersAndForWhatDoesNotExist_SaysSo()
    {
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("api"));
        var power = await People.AddAsync(Cluster, "PowerPlus");
        var basic = await People.AddAsync(Cluster, "Basic");
        using var asBasic = Rules.As(Cluster, basic);
        using var asPower = Rules.As(Cluster, power);
        Assert.Equal(HttpStatusCode.Forbidden, (await asBasic.GetAsync(new Uri("/api/access-control-rules", UriKind.Relative), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(asPower, Rules.Body([Rules.Everyone], [Rules.Server(server)], [])));
        Assert.Equal(HttpStatusCode.Forbidden, await PostAsync(asPower, Rules.Body([Rules.Everyone], [Rules.Everyone], [])));

        using var made = await asPower.PostAsJsonAsync("/api/mcp-servers", new { manifest = await Manifests.StdioFixtureAsync("power's own") }, Cancellation);
        var own = await made.Content.ReadFromJsonAsync<McpServer>(Cancellation);
        Assert.Equal(HttpStatusCode.Created, await PostAsync(asPower, Rules.Body([Rules.User(basic)], [Rules.Server(own!)], ["echo"])));
        Assert.Single((await asPower.GetFromJsonAsync<JsonElement>("/api/access-control-rules", Cancellation)).GetProperty("items").EnumerateArray());
        foreach (var (body, field) in (IEnumerable<(object, string)>)
            [
                (Rules.Body([Rules.Group("nobody")], [Rules.Server(server)], []), "subjects[0].id"),
                (Rules.Body([Rules.Everyone], [Rules.Server(server), new { type = "mcpServer", id = "ms1none" }], []), "resources[1].id"),
                (Rules.Body([Rules.Everyone], [new { type = "mcpCatalog", id = "c" }], []), "resources[0].id"),
                (Rules.Body([new { type = "user", id = "*" }], [Rules.Server(server)], []), "subjects[0].id"),
                (Rules.Body([new { type = "team", id = "x" }], [Rules.Server(server)], []), "subjects[0].type"),
                (Rules.Body([], [Rules.Server(server)], []), "subjects"),
                (Rules.Body([Rules.Everyone], [Rules.Server(server)], ["ok", ""]), "tools[1]"),
            ])
        {
            using var response = await Cluster.Http.PostAsJsonAsync("/api/access-control-rules", body, Cancellation);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Equal(field, (await response.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("field").GetString());
        }

        await asPower.DeleteAsync(new Uri($"/api/mcp-servers/{own!.Id}", UriKind.Relative), Cancellation);

        static async Task<HttpStatusCode> PostAsync(HttpClient http, object body)
        {
            using var response = await http.PostAsJsonAsync("/api/access-control-rules", body, Cancellation);
            return response.StatusCode;
        }
    }

    /// <summary>One rule opens four servers to a user who calls them through both silos as fast as the machine lets him; then it is gone.</summary>
    [Fact]
    public async Task Rule_RemovedUnderLoad_IsInForceWithinASecond()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var servers = new List<McpServer>();
        for (var number = 0; number < 4; number++)
        {
            servers.Add(await MakeAsync(Manifests.Remote($"revocation {number}", fixture.Url)));
        }

        var ann = await People.AddAsync(Cluster, "Basic", "g-load");
        var rule = await Rules.AddAsync(Cluster, [Rules.Group("g-load")], [.. servers.Select(Rules.Server)]);
        foreach (var server in servers)
        {
            await EventuallyAsync(server, ann, 200);
        }

        var clock = Stopwatch.StartNew();
        using var done = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var load = servers.SelectMany(server => (int[])[0, 1], (server, silo) => LoadAsync(new McpHttp(Cluster.Endpoint(server, silo), ann.Key), clock, done.Token)).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(4), Cancellation);
        await Rules.DeleteAsync(Cluster, rule);
        var answered = clock.Elapsed;
        await Task.Delay(TimeSpan.FromSeconds(4), Cancellation);
        await done.CancelAsync();
        var calls = (await Task.WhenAll(load)).SelectMany(list => list).ToArray();

        var allowed = calls.Where(call => call.Status == 200).ToArray();
        var last = allowed.Max(call => call.Begun) - answered;
        var rate = calls.Count(call => call.Begun < answered) / answered.TotalSeconds;
        Output.WriteLine($"{rate:0} calls/s over two silos and four guards; last allowed call begun {last.TotalMilliseconds:0} ms after the API's answer (bound {Bound.TotalMilliseconds:0} ms); {calls.Length - allowed.Length} refused afterwards");
        Assert.All(calls.Where(call => call.Begun < answered - Bound), call => Assert.Equal(200, call.Status));
        Assert.All(calls, call => Assert.True(call.Status is 200 or 403, $"{call.Status}"));
        Assert.Contains(calls, call => call.Status == 403);
        Assert.True(last < Bound * 10, $"{last}");
    }

    private static IReadOnlyList<string> ToolNames(JsonNode? result) => [.. result!["tools"]!.AsArray().Select(tool => tool!["name"]!.GetValue<string>())];

    private static async Task<List<(TimeSpan Begun, int Status)>> LoadAsync(McpHttp client, Stopwatch clock, CancellationToken done)
    {
        var calls = new List<(TimeSpan, int)>();
        using var owned = client;
        while (!done.IsCancellationRequested)
        {
            var begun = clock.Elapsed;
            calls.Add((begun, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status));
        }

        return calls;
    }

    /// <summary>Through both silos.</summary>
    private async Task EventuallyAsync(McpServer server, Person person, int status)
    {
        for (var silo = 0; silo < 2; silo++)
        {
            using var client = new McpHttp(Cluster.Endpoint(server, silo), person.Key);
            await Eventually.ReadAsync($"{person.Id} through silo {silo}", $"{status}", InForce, async () => (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status, seen => seen == status);
        }
    }
}
