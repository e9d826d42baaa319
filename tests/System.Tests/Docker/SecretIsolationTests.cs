using Obot.SystemTests.Credentials;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>What the Engine tells about our containers, searched for planted secrets: whoever may ask it sees each server's own environment, and nothing else.</summary>
public sealed class SecretIsolationTests(DockerRig rig, ITestOutputHelper output) : DockerTest(rig, output)
{
    private const string ServerSecret = "PLANTED-env-of-the-container";
    private const string FileSecret = "PLANTED-file-of-the-container";
    private const string PackageSecret = "PLANTED-env-of-the-package";
    private const string StaticSecret = "PLANTED-static-header";
    private const string HeaderSecret = "PLANTED-header-of-the-owner";
    private static readonly string[] Planted = [ServerSecret, FileSecret, PackageSecret, StaticSecret, HeaderSecret];

    [Fact]
    public async Task Inspect_Logs_AndProcesses_ShowPlantedSecretsOnlyWhereTheyBelong()
    {
        await using var upstream = await MetadataServer.StartAsync();
        upstream.KeepsHeaders = true;
        var container = await MakeAsync(Container("isolated", Rig.Server, env: [new { key = "FIXTURE_SECRET", value = ServerSecret, sensitive = true }, new { key = "KEY_FILE", value = FileSecret, sensitive = true, file = true }]));
        var package = await MakeAsync(Manifests.Npx("isolated package", Manifests.Memory, [new { key = "SECRET_ENV", sensitive = true, required = true }]));
        var remote = await MakeAsync(new
        {
            name = "isolated headers",
            runtime = "remote",
            remoteConfig = new { fixedURL = upstream.Url.ToString(), headers = new object[] { new { key = "X-Api-Key", sensitive = true, required = true }, new { key = "X-Static", sensitive = true, value = StaticSecret } } },
        });
        await ConfigureAsync(package, "SECRET_ENV", PackageSecret);
        await ConfigureAsync(remote, "X-Api-Key", HeaderSecret);
        foreach (var (server, tool) in new[] { (container, "env"), (package, "read_graph"), (remote, "any") })
        {
            using var client = Cluster.Connect(server);
            var answer = await client.ToolAsync(tool, cancellationToken: Cancellation);
            Assert.True(answer.Result is not null, answer.Message?.ToJsonString());
        }

        Assert.Contains(HeaderSecret, upstream.Kept!, StringComparison.Ordinal);
        var found = new List<string>();
        var own = (await Cluster.DetailsAsync(container.Id)).Processes!.Single(process => process.Role == "server").Container!;
        var containers = await DockerEngine.LinesAsync("ps", "-a", "--no-trunc", "--filter", "label=obot.instance", "--format", "{{.ID}} {{.Names}}");
        Assert.True(containers.Count >= 4, string.Join(", ", containers));
        var processes = 0;
        foreach (var (id, name) in containers.Select(line => (line.Split(' ')[0], line.Split(' ')[1])))
        {
            var isServer = id.StartsWith(own, StringComparison.Ordinal) || name == own;
            var inspected = await DockerEngine.RunAsync("inspect", id);
            Look($"docker inspect {name}", inspected, isServer ? [ServerSecret] : []);
            Assert.True(!isServer || inspected.Contains(ServerSecret, StringComparison.Ordinal), "the search finds what is there");
            Look($"docker logs {name}", (await ProcessRunner.RunAsync("docker", ["logs", id], TimeSpan.FromMinutes(1))).ToString(), []);

            // those that have ended, of other tests too, have no processes
            var top = await ProcessRunner.RunAsync("docker", ["top", id, "-eo", "pid"], TimeSpan.FromMinutes(1));
            foreach (var pid in top.ExitCode == 0 ? top.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => int.Parse(line.Trim(), System.Globalization.CultureInfo.InvariantCulture)) : [])
            {
                processes++;
                var allowed = isServer ? ServerSecret : Proc.Environment(pid).Any(entry => entry.StartsWith("SECRET_ENV=", StringComparison.Ordinal)) && !name.Contains("guard", StringComparison.Ordinal) ? PackageSecret : "";
                Look($"command line of {pid} in {name}", string.Join('\n', Proc.CommandLine(pid)), []);
                Look($"environment of {pid} in {name}", string.Join('\n', Proc.Environment(pid)), [allowed]);
            }
        }

        foreach (var silo in Cluster.SiloPids().OfType<int>())
        {
            Look($"environment of silo {silo}", string.Join('\n', Proc.Environment(silo)), []);
        }

        Look("volumes", await DockerEngine.RunAsync("volume", "ls", "--format", "{{json .}}"), []);
        Look("networks", await DockerEngine.RunAsync("network", "ls", "--format", "{{json .}}"), []);
        Look("logs of the silos", Cluster.LogTail(), []);
        Output.WriteLine($"{Planted.Length} planted secrets, {containers.Count} containers, {processes} processes: {found.Count} found where they do not belong (bound 0)");
        Assert.Empty(found);

        void Look(string where, string text, string[] allowed) =>
            found.AddRange(Planted.Except(allowed, StringComparer.Ordinal).Where(secret => text.Contains(secret, StringComparison.Ordinal)).Select(secret => $"{secret} in {where}"));
    }

    private async Task ConfigureAsync(McpServer server, string key, string value)
    {
        using var answer = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string>(StringComparer.Ordinal) { [key] = value });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
    }
}
