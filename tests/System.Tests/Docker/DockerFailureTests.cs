using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Docker;

/// <summary>Silos and the Engine go away; containers stay, are adopted, or are swept.</summary>
public sealed class DockerFailureTests(DockerRig rig, ITestOutputHelper output) : DockerTest(rig, output)
{
    [Fact]
    public async Task Silos_KilledAndStartedAgain_AdoptWhatRunsAndDownLeavesNothing()
    {
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__Hosting__Backend", "docker"), ("Obot__Hosting__Docker__SweepInterval", "00:00:02"));
        var server = await cluster.CreateServerAsync(Container("adopted", Rig.Server));
        using var client = cluster.Connect(server);
        var first = (await client.ToolAsync("pid", cancellationToken: Cancellation)).Text;
        var before = await cluster.DetailsAsync(server.Id);
        var ids = await DockerEngine.LinesAsync("ps", "-q", "--no-trunc", "--filter", $"label=obot.instance={server.Id}");

        // no silo is left that could end anything
        Signals.Send(cluster.SiloPids()[0]!.Value, Signal.Kill);
        await Eventually.TrueAsync("silo", "gone", TimeSpan.FromSeconds(10), () => cluster.SiloPids()[0] is null);
        Assert.Equal(2, (await ContainersAsync(server)).Count);
        var label = await DockerEngine.RunAsync("inspect", "--format", "{{index .Config.Labels \"obot.cluster\"}}", before.Processes![0].Container!);
        var stranger = await DockerEngine.RunAsync("run", "-d", "--name", $"obot-stranger-{Guid.NewGuid():N}", "--label", "obot.cluster=somebody-else", "--label", $"obot.instance={server.Id}x", "--label", "obot.generation=1", "obot-test/server:1");
        var orphan = await DockerEngine.RunAsync("run", "-d", "--label", $"obot.cluster={label}", "--label", "obot.instance=ms1nothere", "--label", "obot.generation=1", "--label", "obot.role=server", "obot-test/server:1");
        try
        {
            await cluster.UpAsync();
            var clock = Stopwatch.StartNew();
            Assert.Equal("x", (await client.ToolAsync("echo", cancellationToken: Cancellation)).Text);
            var after = await cluster.DetailsAsync(server.Id);
            Output.WriteLine($"adopted: first call after the restart {clock.Elapsed.TotalSeconds:0.00} s, generation {before.Generation} → {after.Generation} (bound the same)");
            Assert.Equal(before.Generation, after.Generation);
            Assert.Equal(ids, await DockerEngine.LinesAsync("ps", "-q", "--no-trunc", "--filter", $"label=obot.instance={server.Id}"));
            Assert.Equal(first, (await client.ToolAsync("pid", cancellationToken: Cancellation)).Text);

            // what no grain owns goes, what is not ours stays
            await Eventually.ReadAsync("orphan", "swept", TimeSpan.FromSeconds(40), () => DockerEngine.LinesAsync("ps", "-aq", "--no-trunc"), all => !all.Contains(orphan, StringComparer.Ordinal));
            Assert.Contains(stranger, await DockerEngine.LinesAsync("ps", "-q", "--no-trunc"), StringComparer.Ordinal);

            await cluster.DownAsync();
            Assert.Empty(await ContainersAsync(server));
            Assert.Contains(stranger, await DockerEngine.LinesAsync("ps", "-q", "--no-trunc"), StringComparer.Ordinal);
        }
        finally
        {
            await DockerEngine.RunAsync("rm", "-f", stranger);
        }
    }

    [Fact]
    public async Task Silo_KilledUnderLoad_ServersGoOnThroughTheOther()
    {
        await using var cluster = await ObotCluster.StartAsync(2, ("Obot__Hosting__Backend", "docker"));
        var servers = new List<McpServer>();
        for (var number = 0; number < 3; number++)
        {
            var server = await cluster.CreateServerAsync(Container($"load {number}", Rig.Server));
            using var first = cluster.Connect(server, number % 2);
            await first.ToolAsync("echo", cancellationToken: Cancellation);
            servers.Add(server);
        }

        var generations = await Task.WhenAll(servers.Select(async server => (await cluster.DetailsAsync(server.Id, silo: 1)).Generation));
        using var done = new CancellationTokenSource();
        var most = 0;
        var watching = Task.Run(
            async () =>
            {
                while (!done.IsCancellationRequested)
                {
                    foreach (var server in servers)
                    {
                        // obot-{instance}-{generation}-{role}
                        var counts = (await ContainersAsync(server)).GroupBy(name => name[..name.LastIndexOf('-')], StringComparer.Ordinal).Select(group => group.Count());
                        most = Math.Max(most, counts.DefaultIfEmpty().Max());
                    }
                }
            },
            Cancellation);
        var load = servers.Select(server => LoadAsync(cluster, server, done.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(2), Cancellation);
        Signals.Send(cluster.SiloPids()[0]!.Value, Signal.Kill);
        await Task.Delay(TimeSpan.FromSeconds(12), Cancellation);
        await done.CancelAsync();
        await watching;
        var calls = await Task.WhenAll(load);
        var after = await Task.WhenAll(servers.Select(async server => (await cluster.DetailsAsync(server.Id, silo: 1)).Generation));
        Output.WriteLine($"{calls.Sum(one => one.Good)} calls through the other silo, {calls.Sum(one => one.Bad)} failed (bound 0: the guards live on); generations {string.Join(",", generations)} → {string.Join(",", after)}; containers of one generation at most {most} (bound 2: server and guard)");
        Assert.Equal(0, calls.Sum(one => one.Bad));
        Assert.Equal(generations, after);
        Assert.InRange(most, 1, 2);
        foreach (var server in servers)
        {
            Assert.Equal(2, (await ContainersAsync(server)).Count);
        }
    }

    [Fact]
    public async Task Engine_RestartedUnderACluster_ServersComeBackWithTheNextCall()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is not null, "OBOT_TEST_ALL is not set: the restart of the Engine was left out");
        Assert.SkipUnless(Rig.Engine.IsOwn, "Docker ran before these tests, so it is not theirs to restart");
        var server = await MakeAsync(Container("restart", Rig.Server));
        using var client = Cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        var before = await Cluster.DetailsAsync(server.Id);

        await Rig.Engine.StopAsync();
        var down = await Cluster.EventuallyAsync(server.Id, "noticed", TimeSpan.FromSeconds(60), details => !details.IsRunning);
        Output.WriteLine($"without an Engine: {down.DeploymentStatus}: {down.DeploymentReason}");
        Assert.Contains("Docker", down.DeploymentReason, StringComparison.Ordinal);
        await Rig.Engine.RestartAsync();
        var launched = await Cluster.LaunchAsync(server.Id);
        Assert.True(launched.DeploymentStatus == "Running", launched.DeploymentReason);
        Assert.Equal("x", (await client.ToolAsync("echo", cancellationToken: Cancellation)).Text);
        Assert.True((await Cluster.DetailsAsync(server.Id)).Generation > before.Generation);
        await Eventually.ReadAsync($"containers of {server.Id}", "one generation only", TimeSpan.FromSeconds(30), () => ContainersAsync(server), found => found.Count == 2);
    }

    private static async Task<(int Good, int Bad)> LoadAsync(ObotCluster cluster, McpServer server, CancellationToken done)
    {
        var (good, bad) = (0, 0);
        using var client = cluster.Connect(server, silo: 1);
        while (!done.IsCancellationRequested)
        {
            try
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
                patience.CancelAfter(TimeSpan.FromSeconds(30));
                var answer = await client.ToolAsync("echo", cancellationToken: patience.Token);
                _ = answer.Result is null ? bad++ : good++;
            }
            catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
            {
                bad++;
            }

            await Task.Delay(20, CancellationToken.None);
        }

        return (good, bad);
    }
}
