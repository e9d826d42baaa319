using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>A thousand servers on one silo, most of them asleep. Slow: only when <c>OBOT_TEST_ALL</c> is set.</summary>
[Collection(Alone.Name)]
public sealed class ManyServersTests(ITestOutputHelper output)
{
    private const int Servers = 1000;
    private const int Awake = 20;
    private const int AtOnce = 16;
    private const int Megabyte = 1024 * 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RemoteServers_AThousand_LiveInAHandfulOfGuards()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is null, "LEFT OUT: a thousand servers take minutes; ./obot test --all runs it");
        await using var cluster = await ObotCluster.StartAsync(1);
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var servers = new McpServer[Servers];
        await Parallel.ForAsync(0, Servers, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, _) =>
            servers[i] = await cluster.CreateServerAsync(Manifests.Remote($"many {i}", fixture.Url)));
        var silo = cluster.SiloPids()[0]!.Value;
        var asleep = Proc.ResidentBytes(silo);

        // twenty awake
        await CallAsync(cluster, servers[..Awake], new double[Awake]);
        var few = Guards(cluster);
        output.WriteLine($"{Servers} configured, {Awake} awake: silo {asleep / Megabyte} → {Proc.ResidentBytes(silo) / Megabyte} MB, {few.Count} guards with {few.Sum(Proc.ResidentBytes) / Megabyte} MB");

        var first = new double[Servers];
        var clock = Stopwatch.StartNew();
        await CallAsync(cluster, servers, first);
        var guards = Guards(cluster);
        var memory = guards.Sum(Proc.ResidentBytes);
        Array.Sort(first);
        output.WriteLine($"{Servers} awake after {clock.Elapsed.TotalSeconds:0.0} s; first call p50 {first[Servers / 2]:0} ms, p95 {first[Servers * 95 / 100]:0} ms; {guards.Count} guards with {memory / Megabyte} MB: {memory / 1024 / Servers} KB a server; silo {Proc.ResidentBytes(silo) / Megabyte} MB");
        Assert.InRange(guards.Count, 1, 4);

        var victim = guards[0];
        Signals.Send(victim, Signal.Kill);
        clock.Restart();
        await CallAsync(cluster, servers, first);
        output.WriteLine($"kill -9 of one guard of {guards.Count}: all {Servers} answered again within {clock.Elapsed.TotalSeconds:0.0} s, slowest call {first.Max():0} ms");
    }

    [Fact]
    public async Task SleepingServers_Wake_InAMoment()
    {
        Assert.SkipWhen(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is null, "LEFT OUT: a thousand servers take minutes; ./obot test --all runs it");
        const int Rounds = 20;
        await using var cluster = await ObotCluster.StartAsync(1);
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var stdio = await cluster.CreateServerAsync(Manifests.Npx("everything", Manifests.Everything));
        var remote = await cluster.CreateServerAsync(Manifests.Remote("remote", fixture.Url));
        var composite = await cluster.CreateServerAsync(Manifests.Composite("composite", new { mcpServerID = stdio.Id, toolPrefix = "a_" }, new { mcpServerID = remote.Id, toolPrefix = "b_" }));
        foreach (var (name, server, all) in new[] { ("npx everything", stdio, new[] { stdio }), ("remote", remote, [remote]), ("composite of both", composite, [composite, stdio, remote]) })
        {
            var times = new double[Rounds];
            for (var round = 0; round < Rounds; round++)
            {
                foreach (var one in all)
                {
                    await cluster.StopAsync(one.Id);
                }

                using var client = cluster.Connect(server);
                var clock = Stopwatch.StartNew();
                Assert.NotNull((await client.CallAsync("tools/list", cancellationToken: Cancellation)).Result);
                times[round] = clock.Elapsed.TotalMilliseconds;
            }

            Array.Sort(times);
            output.WriteLine($"{name}: asleep → first tools/list p50 {times[Rounds / 2]:0} ms, p95 {times[Rounds * 95 / 100]:0} ms");
        }
    }

    private static List<int> Guards(ObotCluster cluster) => [.. cluster.HostedPids().Where(pid => Proc.CommandLine(pid).Contains("--pool", StringComparer.Ordinal))];

    private static Task CallAsync(ObotCluster cluster, McpServer[] servers, double[] times) =>
        Parallel.ForAsync(0, servers.Length, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, _) =>
        {
            using var client = cluster.Connect(servers[i]);
            var clock = Stopwatch.StartNew();
            Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
            times[i] = clock.Elapsed.TotalMilliseconds;
        });
}
