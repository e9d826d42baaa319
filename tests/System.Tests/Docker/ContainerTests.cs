using System.Diagnostics;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>Containers of the catalog format on a real Engine: they run, hardened, and say why when they do not.</summary>
public sealed class ContainerTests(DockerRig rig, ITestOutputHelper output) : DockerTest(rig, output)
{
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Container_OfARegistry_IsPulledRunsAndIsHeld()
    {
        var secret = $"s3cret-{Guid.CreateVersion7():N}";
        var server = await MakeAsync(Container(
            "container", Rig.Server, env: [new { key = "FIXTURE_SECRET", value = secret, sensitive = true }, new { key = "KEY_FILE", value = "in a file", file = true }], memory: "256Mi"));
        using var client = Cluster.Connect(server);
        var clock = Stopwatch.StartNew();
        Assert.Equal("xxx", (await client.ToolAsync("echo", new JsonObject { ["size"] = 3 }, cancellationToken: Cancellation)).Text);
        Output.WriteLine($"first call, with the guard's image and the pull: {clock.Elapsed.TotalSeconds:0.00} s");

        var details = await Cluster.DetailsAsync(server.Id);
        Output.WriteLine($"{details}");
        Assert.Equal("docker", details.Backend);
        Assert.StartsWith($"{Rig.Registry}/obot-test/server@sha256:", details.Image, StringComparison.Ordinal);

        // what the server sees
        var seen = JsonNode.Parse((await client.ToolAsync("env", cancellationToken: Cancellation)).Text)!;
        Assert.Equal(secret, seen["env"]!["FIXTURE_SECRET"]!.GetValue<string>());
        Assert.Equal(10001, seen["uid"]!.GetValue<int>());
        Assert.Equal("in a file", (await client.ToolAsync("file", new JsonObject { ["variable"] = "KEY_FILE" }, cancellationToken: Cancellation)).Text);

        // what it is held to
        foreach (var role in (string[])["server", "guard"])
        {
            var held = await InspectAsync(details, role, "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} {{.HostConfig.PidsLimit}} {{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.Config.User}} {{.HostConfig.Privileged}}");
            Assert.Equal("true [ALL] [no-new-privileges] 256 268435456 268435456 10001:10001 false", held);
        }

        // the guard's port on loopback, and nothing else of either
        Assert.Contains(await InspectAsync(details, "server", "{{json .HostConfig.PortBindings}}"), (string[])["{}", "null"]);
        var published = JsonNode.Parse(await InspectAsync(details, "guard", "{{json .NetworkSettings.Ports}}"))!.AsObject();
        Assert.Equal("127.0.0.1", Assert.Single(published).Value![0]!["HostIp"]!.GetValue<string>());
        using var around = new McpHttp(new Uri(details.GuardURL!, "/mcp"), token: null);
        Assert.InRange((await around.ToolAsync("echo", cancellationToken: Cancellation)).Status, 401, 403);

        // secrets part: the guard's container shows neither the server's nor its own
        var guard = await InspectAsync(details, "guard", "{{json .}}");
        Assert.DoesNotContain(secret, guard, StringComparison.Ordinal);
        Assert.DoesNotContain("credential", guard, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("FIXTURE", guard, StringComparison.Ordinal);

        // a network of their own
        var networks = await Task.WhenAll(InspectAsync(details, "server", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"), InspectAsync(details, "guard", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"));
        Assert.Equal(networks[0], networks[1]);
        Assert.Single(networks[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));

        await Cluster.StopAsync(server.Id);
        Assert.Empty((await TracesAsync(server)).Where(trace => !trace.EndsWith("write-ahead", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Container_ThatDoesNotCome_SaysWhichOfTheReasons()
    {
        (string Name, object Manifest, string[] Says)[] cases =
        [
            ("crashing", Container("crashing", Rig.Server, ["crash"]), ["exited with code 3", "cannot open the database"]),
            ("out of memory", Container("hungry", Rig.Server, ["hungry"], memory: "64Mi"), ["out of memory", "64 MiB"]),
            ("never ready", Container("deaf", Rig.Server, ["deaf"], startup: 8), ["within 8 s", "nothing listens on port 8099", "thinking"]),
            ("ill", Container("ill", Rig.Server, ["ill"], startup: 8), ["within 8 s", "503 at /healthz"]),
            ("missing image", Container("missing", $"{Rig.Registry}/obot-test/nothing:1"), ["does not exist"]),
            ("missing tag", Container("tag", $"{Rig.Server}2"), ["does not exist"]),
            ("no registry", Container("registry", "127.0.0.1:1/a/b:1"), ["cannot be reached"]),
            ("private image", Container("forbidden", Rig.ForbiddenServer), ["credentials"]),
        ];
        var outcomes = await Task.WhenAll(cases.Select(async one =>
        {
            var server = await Cluster.CreateServerAsync(one.Manifest);
            var clock = Stopwatch.StartNew();
            var launched = await Cluster.LaunchAsync(server.Id);
            var took = clock.Elapsed;
            var traces = (await TracesAsync(server)).Where(trace => !trace.EndsWith("write-ahead", StringComparison.Ordinal)).ToList();
            await Cluster.DeleteAsync(server.Id);
            return (one.Name, one.Says, Launched: launched, Took: took, Traces: traces, After: await TracesAsync(server));
        }));
        foreach (var (name, _, launched, took, traces, _) in outcomes)
        {
            Output.WriteLine($"{name}: {launched.DeploymentStatus} after {took.TotalSeconds:0.0} s: {launched.DeploymentReason}; left over {traces.Count} (bound 0)");
        }

        Assert.All(outcomes, outcome =>
        {
            Assert.Equal("Failed", outcome.Launched.DeploymentStatus);
            Assert.All(outcome.Says, word => Assert.Contains(word, outcome.Launched.DeploymentReason, StringComparison.Ordinal));
            Assert.Empty(outcome.Traces);
            Assert.Empty(outcome.After);
        });
    }

    [Fact]
    public async Task Container_OfAPrivateRegistry_IsPulledWithTheConfiguredCredentials()
    {
        var server = await MakeAsync(Container("private", Rig.PrivateServer));
        var launched = await Cluster.LaunchAsync(server.Id);
        Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
    }

    [Fact]
    public async Task Container_WithoutAWayOut_StillAnswersItsGuard()
    {
        var server = await MakeAsync(Container("sealed off", Rig.Server, denyAllEgress: true, health: false));
        using var client = Cluster.Connect(server);
        Assert.Equal("x", (await client.ToolAsync("echo", cancellationToken: Cancellation)).Text);
        var details = await Cluster.DetailsAsync(server.Id);
        var network = await InspectAsync(details, "server", "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}");
        Assert.Equal("true", await DockerEngine.RunAsync("network", "inspect", "--format", "{{.Internal}}", network));
    }

    [Theory]
    [InlineData("server", "killed by signal 9")]
    [InlineData("guard", "killed by signal 9")]
    [InlineData("exit", "exited with code 7")]
    [InlineData("eat", "out of memory")]
    public async Task Part_ThatDies_IsReplacedAndTheStateTells(string part, string says)
    {
        var server = await MakeAsync(Container($"kill {part}", Rig.Server, memory: "96Mi"));
        using var client = Cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        var before = await Cluster.DetailsAsync(server.Id);
        if (part is "exit" or "eat")
        {
            await client.ToolAsync(part, cancellationToken: Cancellation);
        }
        else
        {
            await DockerEngine.RunAsync("kill", before.Processes!.Single(process => process.Role == part).Container!);
        }

        var clock = Stopwatch.StartNew();
        var after = await Cluster.EventuallyAsync(server.Id, "running again", CallLimit, details => details.IsRunning && details.Generation > before.Generation);
        var answer = await client.ToolAsync("echo", cancellationToken: Cancellation);
        Output.WriteLine($"{part}: the next generation ran {clock.Elapsed.TotalSeconds:0.00} s later: {after.DeploymentReason}");
        Assert.Equal("x", answer.Text);
        Assert.Contains(says, after.DeploymentReason, StringComparison.Ordinal);
        await Eventually.ReadAsync($"containers of {server.Id}", "one generation only", TimeSpan.FromSeconds(15), () => ContainersAsync(server), found => found.Count == 2 && found.All(name => name.Contains($"-{after.Generation}-", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Log_OfAContainer_HasItsLinesAndOutlivesIt()
    {
        var server = await MakeAsync(Container("log", Rig.Server));
        using var client = Cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        Assert.Contains("listening on 8099", await LogAsync(server, silo: 0), StringComparison.Ordinal);
        Assert.Contains("listening on 8099", await LogAsync(server, silo: 1), StringComparison.Ordinal);
        await Cluster.StopAsync(server.Id);
        var last = await LogAsync(server, silo: 1);
        Output.WriteLine(last);
        Assert.Contains("listening on 8099", last, StringComparison.Ordinal);
        Assert.Contains(Rig.Registry, last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task FirstCalls_FiftyOverTwoSilos_MakeOneServerAndOneGuard()
    {
        var server = await MakeAsync(Container("fifty", Rig.Server));
        using var one = Cluster.Connect(server);
        using var other = Cluster.Connect(server, silo: 1);
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => (number % 2 == 0 ? one : other).ToolAsync("echo", cancellationToken: Cancellation)));
        Assert.All(answers, answer => Assert.Equal("x", answer.Text));
        Assert.Equal(2, (await ContainersAsync(server)).Count);
        Assert.Equal(1, (await Cluster.DetailsAsync(server.Id)).Generation);
    }

    [Fact]
    public async Task ColdStart_OfAContainer_IsOursForThisMuch()
    {
        var server = await MakeAsync(Container("cold", Rig.Server));
        using var client = Cluster.Connect(server);
        var runs = Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is null ? 3 : 20;
        var times = new List<double>();
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        for (var run = 0; run < runs; run++)
        {
            await Cluster.StopAsync(server.Id);
            var clock = Stopwatch.StartNew();
            Assert.Equal("x", (await client.ToolAsync("echo", cancellationToken: Cancellation)).Text);
            times.Add(clock.Elapsed.TotalSeconds);
        }

        times.Sort();
        var alone = Stopwatch.StartNew();
        await DockerEngine.RunAsync("run", "--rm", "--read-only", "--network", "none", "--entrypoint", "/usr/bin/node", "obot-test/server:1", "-e", "0");
        Output.WriteLine($"wake of a container, {runs} runs: p50 {times[runs / 2]:0.00} s, p95 {times[(int)(runs * 0.95)]:0.00} s (bound 20 s); docker run of the same image alone: {alone.Elapsed.TotalSeconds:0.00} s");
        Assert.True(times[runs / 2] < 20);
    }

    private async Task<string> LogAsync(McpServer server, int silo)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Get, $"/api/mcp-servers/{server.Id}/logs?follow=false", silo: silo);
        return await response.Content.ReadAsStringAsync();
    }
}
