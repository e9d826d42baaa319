using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>The Inspector's command line lists and calls tools of the official servers.</summary>
public sealed class InspectorTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    public static TheoryData<string, string, string[], string, string[]> Servers()
    {
        var data = new TheoryData<string, string, string[], string, string[]>();
        foreach (var era in (string[])["legacy", "auto"])
        {
            data.Add(era, Manifests.Everything, [], "echo", ["message=hello"]);
            data.Add(era, Manifests.Memory, [], "read_graph", []);
            data.Add(era, Manifests.FileSystem, ["/tmp"], "list_allowed_directories", []);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task Inspector_OfficialServer_ListsAndCalls(string era, string package, string[] arguments, string tool, string[] toolArguments)
    {
        var server = await MakeAsync(Manifests.Npx($"inspector {era} {package}", package, arguments: arguments));
        var list = await InspectAsync(server, era, "--method", "tools/list");
        Assert.Contains($"\"{tool}\"", list, StringComparison.Ordinal);

        string[] call = ["--method", "tools/call", "--tool-name", tool, .. toolArguments.SelectMany(argument => (string[])["--tool-arg", argument])];
        var answer = await InspectAsync(server, era, call);
        Output.WriteLine($"{era} {package} {tool}: {answer}");
        Assert.Contains("\"content\"", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("\"isError\": true", answer, StringComparison.Ordinal);
    }

    private async Task<string> InspectAsync(McpServer server, string era, params string[] method)
    {
        await Npm.EnsureInstalledAsync();
        string[] arguments =
        [
            "--cli", Cluster.Endpoint(server).ToString(), "--transport", "http", "--protocol-era", era, "--connect-timeout", "90000", .. method, "--header", $"Authorization: Bearer {Cluster.Token}",
        ];
        return (await ProcessRunner.RunAsync(Npm.Command("mcp-inspector"), arguments, Limit)).Checked().Output;
    }
}
