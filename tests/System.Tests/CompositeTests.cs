using System.Diagnostics;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>A virtual server over several, in both eras.</summary>
public sealed class CompositeTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const string Missing = "http://127.0.0.1:9/mcp";
    private static readonly TimeSpan ListBound = TimeSpan.FromSeconds(5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Composite_OverAStdioAndARemoteServer_ListsAndCallsInBothEras()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var stdio = await MakeAsync(await Manifests.StdioFixtureAsync("component stdio"));
        var remote = await MakeAsync(Manifests.Remote("component remote", fixture.Url));
        var composite = await MakeAsync(Manifests.Composite(
            "both",
            new { mcpServerID = stdio.Id, toolPrefix = "one_", toolOverrides = new object[] { new { name = "echo", overrideName = "say", overrideDescription = "says it" }, new { name = "env", enabled = false } } },
            new { mcpServerID = remote.Id, toolPrefix = "two_" }));
        using var client = Cluster.Connect(composite);
        using var otherSilo = Cluster.Connect(composite, silo: 1);

        var clock = Stopwatch.StartNew();
        var session = await client.InitializeAsync(Cancellation);
        var hello = clock.Elapsed;
        Assert.NotNull(session);
        var names = await EventuallyNamesAsync(() => client.CallAsync("tools/list", session: session, cancellationToken: Cancellation), names => names.Contains("one_say") && names.Contains("two_echo"));
        Output.WriteLine($"composite of a sleeping stdio and a remote server: initialize {hello.TotalMilliseconds:0} ms, complete list after {clock.Elapsed.TotalSeconds:0.00} s, {names.Count} tools");
        Assert.DoesNotContain("one_env", names);
        Assert.DoesNotContain("one_echo", names);
        Assert.Contains("two_env", names);

        foreach (var any in new[] { client, otherSilo })
        {
            Assert.Equal("xxx", (await any.ToolAsync("one_say", Size(3), session, Cancellation)).Text);
            Assert.Equal("xxxx", (await any.ToolAsync("two_echo", Size(4), session, Cancellation)).Text);
            Assert.Equal("xxx", (await any.ModernToolAsync("one_say", Size(3), Cancellation)).Text);
            Assert.Equal("xxxx", (await any.ModernToolAsync("two_echo", Size(4), Cancellation)).Text);
        }

        var described = (await client.CallAsync("tools/list", session: session, cancellationToken: Cancellation)).Result!["tools"]!.AsArray().Single(tool => Name(tool) == "one_say");
        Assert.Equal("says it", described!["description"]!.GetValue<string>());
        Assert.NotNull((await client.ToolAsync("one_env", session: session, cancellationToken: Cancellation)).Error);
        Assert.Equal("complete", (await client.ModernAsync("tools/list", cancellationToken: Cancellation)).Result!["resultType"]!.GetValue<string>());
        Assert.Contains("2026-07-28", (await client.ModernAsync("server/discover", cancellationToken: Cancellation)).Result!["supportedVersions"]!.AsArray().Select(version => version!.GetValue<string>()));

        // prompts carry the prefix, resources their own URIs
        var prompts = (await client.ModernAsync("prompts/list", cancellationToken: Cancellation)).Result!["prompts"]!.AsArray().Select(Name).ToList();
        Assert.Contains(prompts, name => name.StartsWith("one_", StringComparison.Ordinal));
        Assert.Contains(prompts, name => name.StartsWith("two_", StringComparison.Ordinal));
        var resource = (await client.ModernAsync("resources/list", cancellationToken: Cancellation)).Result!["resources"]![0]!["uri"]!.GetValue<string>();
        Assert.NotNull((await client.ModernAsync("resources/read", new JsonObject { ["uri"] = resource }, Cancellation)).Result!["contents"]);
        var unknown = await client.ModernAsync("no/such", cancellationToken: Cancellation);
        Assert.Equal((404, -32601), (unknown.Status, unknown.Error!["code"]!.GetValue<int>()));
    }

    [Fact]
    public async Task Component_ThatIsDead_NeitherDelaysNorHidesTheOthers()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var living = await MakeAsync(Manifests.Remote("living", fixture.Url));
        var dead = await MakeAsync(Manifests.Remote("the dead one", new(Missing)));
        var composite = await MakeAsync(Manifests.Composite(
            "half dead", new { mcpServerID = dead.Id, toolPrefix = "dead_", toolOverrides = new[] { new { name = "wanted" } } }, new { mcpServerID = living.Id }));
        using var client = Cluster.Connect(composite);
        var clock = Stopwatch.StartNew();
        var list = await client.ModernAsync("tools/list", cancellationToken: Cancellation);
        Output.WriteLine($"first list with a dead component after {clock.Elapsed.TotalSeconds:0.00} s (bound {ListBound.TotalSeconds:0} s)");
        Assert.True(clock.Elapsed < ListBound);
        var tools = list.Result!["tools"]!.AsArray();
        Assert.Contains(tools, tool => Name(tool) == "echo");
        var wanted = tools.Single(tool => Name(tool) == "dead_wanted")!["description"]!.GetValue<string>();
        Assert.Contains("the dead one", wanted, StringComparison.Ordinal);
        Assert.Equal("xx", (await client.ModernToolAsync("echo", Size(2), Cancellation)).Text);
        var call = await client.ModernToolAsync("dead_wanted", cancellationToken: Cancellation);
        Output.WriteLine($"its tool answers: {call.Text}");
        Assert.True(call.Result!["isError"]!.GetValue<bool>());
        Assert.Contains("the dead one", call.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Component_WithoutARule_StaysClosedBehindAnOpenComposite()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var open = await MakeAsync(Manifests.Remote("open", fixture.Url));
        var closed = await MakeAsync(Manifests.Remote("closed", fixture.Url));
        var composite = await MakeAsync(Manifests.Composite("for ann", new { mcpServerID = open.Id, toolPrefix = "open_" }, new { mcpServerID = closed.Id, toolPrefix = "closed_" }));
        var ann = await People.AddAsync(Cluster, "Basic");
        await Rules.AddAsync(Cluster, [Rules.User(ann)], [Rules.Server(composite), Rules.Server(open)]);
        using var client = new McpHttp(Cluster.Endpoint(composite), ann.Key);
        var names = await EventuallyNamesAsync(() => client.ModernAsync("tools/list", cancellationToken: Cancellation), names => names.Contains("open_echo"));
        Assert.DoesNotContain(names, name => name.StartsWith("closed_", StringComparison.Ordinal));
        Assert.Equal("xx", (await client.ModernToolAsync("open_echo", Size(2), Cancellation)).Text);
        var refused = await client.ModernToolAsync("closed_echo", cancellationToken: Cancellation);
        Assert.NotNull(refused.Error);
    }

    [Fact]
    public async Task Composite_OfAComposite_IsRefused()
    {
        var component = await MakeAsync(Manifests.Remote("inner", new(Missing)));
        var composite = await MakeAsync(Manifests.Composite("outer", new { mcpServerID = component.Id }));
        using var nested = await Cluster.SendAsync(HttpMethod.Post, "/api/mcp-servers", new { manifest = Manifests.Composite("nested", new { mcpServerID = composite.Id }) });
        Assert.Equal(400, (int)nested.StatusCode);
        Assert.Contains("manifest.compositeConfig.componentServers[0].mcpServerID", await nested.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        using var unknown = await Cluster.SendAsync(HttpMethod.Post, "/api/mcp-servers", new { manifest = Manifests.Composite("unknown", new { mcpServerID = "ms1unknown" }) });
        Assert.Equal(400, (int)unknown.StatusCode);
    }

    private async Task<IReadOnlyList<string>> EventuallyNamesAsync(Func<Task<McpAnswer>> list, Func<IReadOnlyList<string>, bool> complete) =>
        await Eventually.ReadAsync<IReadOnlyList<string>>("composite", "complete list", TimeSpan.FromSeconds(60), async () => [.. (await list()).Result?["tools"]?.AsArray().Select(Name) ?? []], complete);

    private static string Name(JsonNode? entry) => entry!["name"]!.GetValue<string>();

    private static JsonObject Size(int size) => new() { ["size"] = size };
}
