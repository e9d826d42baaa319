using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>The TypeScript v1 and v2 clients, the C# client and mcp-remote, on a server of each kind.</summary>
public sealed class ClientsTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static TheoryData<string, string?> Scripts() => new()
    {
        { "v1.mjs", null },
        { "v2.mjs", "legacy" },
        { "v2.mjs", "auto" },
    };

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task TypeScriptClient_OfficialServer_ListsAndCalls(string script, string? mode)
    {
        var server = await MakeAsync(Manifests.Npx($"everything for {script}", Manifests.Everything));
        var said = await RunAsync(script, mode, server, "echo", """{"message":"hello"}""");
        Assert.Contains("hello", said["result"]!["content"]![0]!["text"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TypeScriptClient_ModernOnly_TalksToAModernServer()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await MakeAsync(Manifests.Remote("modern", fixture.Url));
        var said = await RunAsync("v2.mjs", McpHttp.Modern, server, "echo", """{"size":10}""");
        Assert.Equal(McpHttp.Modern, said["protocol"]!.GetValue<string>());
    }

    [Fact]
    public async Task CSharpClient_OfficialServer_ListsAndCalls()
    {
        var server = await MakeAsync(Manifests.Npx("everything for C#", Manifests.Everything));
        Assert.Contains("hello", await TypedClient.EchoAsync(TypedClient.Http(Cluster.Endpoint(server), Cluster.Token), "hello"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task McpRemote_OfficialServer_ListsAndCalls()
    {
        await Npm.EnsureInstalledAsync();
        using var home = new Scratch("mcp-remote");
        var server = await MakeAsync(Manifests.Npx("everything for mcp-remote", Manifests.Everything));
        var transport = TypedClient.McpRemote(Cluster.Endpoint(server), Cluster.Token, home.Folder);
        Assert.Contains("hello", await TypedClient.EchoAsync(transport, "hello"), StringComparison.Ordinal);
    }

    private async Task<JsonNode> RunAsync(string script, string? mode, McpServer server, string tool, string arguments)
    {
        string[] all = [Cluster.Endpoint(server).ToString(), Cluster.Token, .. mode is null ? Array.Empty<string>() : ["--mode", mode], "--tool", tool, "--args", arguments];
        var result = await Npm.ScriptAsync(script, all, Limit);
        Output.WriteLine($"{script} {mode}: {result.Output.Trim()}");
        return JsonNode.Parse(result.Checked().Output)!;
    }
}
