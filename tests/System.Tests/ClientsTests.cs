using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
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
        var transport = new HttpClientTransport(new HttpClientTransportOptions
        {
            Endpoint = Cluster.Endpoint(server),
            TransportMode = HttpTransportMode.StreamableHttp,
            AdditionalHeaders = new Dictionary<string, string>(StringComparer.Ordinal) { ["Authorization"] = $"Bearer {Cluster.Token}" },
        });
        await CallEchoAsync(transport);
    }

    [Fact]
    public async Task McpRemote_OfficialServer_ListsAndCalls()
    {
        await Npm.EnsureInstalledAsync();
        using var home = new Scratch("mcp-remote");
        var server = await MakeAsync(Manifests.Npx("everything for mcp-remote", Manifests.Everything));
        var transport = new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = "mcp-remote",
            Command = Npm.Command("mcp-remote"),
            Arguments = [Cluster.Endpoint(server).ToString(), "--transport", "http-only", "--header", $"Authorization: Bearer {Cluster.Token}"],
            EnvironmentVariables = new Dictionary<string, string?>(StringComparer.Ordinal) { ["MCP_REMOTE_CONFIG_DIR"] = home.Folder },
        });
        await CallEchoAsync(transport);
    }

    private static async Task CallEchoAsync(IClientTransport transport)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Limit);
        await using var client = await McpClient.CreateAsync(transport, cancellationToken: patience.Token);
        var tools = await client.ListToolsAsync(cancellationToken: patience.Token);
        Assert.Contains(tools, tool => tool.Name is "echo");
        var arguments = new Dictionary<string, object?>(StringComparer.Ordinal) { ["message"] = "hello" };
        var result = await client.CallToolAsync("echo", arguments, cancellationToken: patience.Token);
        Assert.Contains("hello", Assert.IsType<TextContentBlock>(result.Content[0]).Text, StringComparison.Ordinal);
    }

    private async Task<JsonNode> RunAsync(string script, string? mode, McpServer server, string tool, string arguments)
    {
        string[] all = [Cluster.Endpoint(server).ToString(), Cluster.Token, .. mode is null ? Array.Empty<string>() : ["--mode", mode], "--tool", tool, "--args", arguments];
        var result = await Npm.ScriptAsync(script, all, Limit);
        Output.WriteLine($"{script} {mode}: {result.Output.Trim()}");
        return JsonNode.Parse(result.Checked().Output)!;
    }
}
