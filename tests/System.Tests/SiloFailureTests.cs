using System.Diagnostics;
using System.Net;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Tests that kill silos, each on a cluster of its own.</summary>
[Collection(Alone.Name)]
public sealed class SiloFailureTests(ITestOutputHelper output)
{
    /// <summary>Documented time until a killed silo's servers are served again, the start of the next generation included.</summary>
    private static readonly TimeSpan DetectionBound = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_KilledUnderLoadThroughTheOther_FailsNoCallAfterTheDetectionTime()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        var pids = cluster.SiloPids();
        var victim = pids[0]!.Value;
        var servers = new List<McpServer>();
        var onVictim = 0;

        // placement is random: the victim has to have some
        for (var number = 0; number < 4 || (onVictim < 2 && number < 16); number++)
        {
            var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync($"load {number}"));
            using var first = cluster.Connect(server, number % 2);
            Assert.Equal(200, (await first.ToolAsync("echo", cancellationToken: Cancellation)).Status);
            servers.Add(server);
            onVictim += Proc.Descendants(victim).Contains((await cluster.DetailsAsync(server.Id)).Pid("guard")) ? 1 : 0;
        }

        var details = await Task.WhenAll(servers.Select(server => cluster.DetailsAsync(server.Id)));
        var doomed = Proc.Descendants(victim);
        output.WriteLine($"silos {string.Join(", ", pids)}; servers on {string.Join(", ", details.Select(detail => detail.Host))}; {onVictim} servers with {doomed.Count} processes below the victim");
        Assert.True(onVictim >= 2);

        using var done = new CancellationTokenSource();
        var clock = Stopwatch.StartNew();
        var load = servers.Select(server => LoadAsync(cluster, server, clock, done.Token)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(3), Cancellation);
        var killedAt = clock.Elapsed;
        Signals.Send(victim, Signal.Kill);
        await Task.Delay(DetectionBound + TimeSpan.FromSeconds(10), Cancellation);
        await done.CancelAsync();
        var calls = (await Task.WhenAll(load)).SelectMany(list => list).ToList();

        var failed = calls.Where(call => call.Failure is not null).ToList();
        var last = failed.Count == 0 ? TimeSpan.Zero : failed.Max(call => call.Begun) - killedAt;
        var slowest = calls.Max(call => call.Took);
        output.WriteLine($"{calls.Count} calls, {failed.Count} failed; last failure begun {last.TotalSeconds:0.00} s after kill -9 (bound {DetectionBound.TotalSeconds:0} s); slowest call {slowest.TotalSeconds:0.00} s");
        foreach (var group in failed.GroupBy(call => call.Failure, StringComparer.Ordinal))
        {
            output.WriteLine($"  {group.Count()} × {group.Key}");
        }

        Assert.DoesNotContain(calls, call => call.Begun < killedAt && call.Begun + call.Took < killedAt && call.Failure is not null);
        Assert.True(last <= DetectionBound, cluster.LogTail());
        Assert.True(slowest <= DetectionBound + TimeSpan.FromSeconds(5), $"a call took {slowest}");
        await Eventually.TrueAsync("processes of the killed silo", "gone", TimeSpan.FromSeconds(15), () => !doomed.Any(Proc.Exists));
        foreach (var server in servers)
        {
            Assert.True((await cluster.DetailsAsync(server.Id, silo: 1)).IsRunning);
        }
    }

    [Fact]
    public async Task Cluster_Restarted_FindsItsServersAndKeys()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("restart"));
        var key = await cluster.CreateKeyAsync("restart");
        using var client = new McpHttp(cluster.Endpoint(server), key);
        Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        int[] before = [.. cluster.SiloPids().OfType<int>(), .. cluster.HostedPids()];

        await cluster.DownAsync();
        await Eventually.TrueAsync("processes of the cluster", "gone after down", TimeSpan.FromSeconds(15), () => !before.Any(Proc.Exists));
        var left = Proc.Mentioning(cluster.Data);
        Assert.True(left.Count == 0, $"left over: {string.Join("; ", left.Select(pid => string.Join(' ', Proc.CommandLine(pid))))}");

        var clock = Stopwatch.StartNew();
        await cluster.UpAsync();
        output.WriteLine($"warm up to ready: {clock.Elapsed.TotalSeconds:0.0} s (bound for one silo 10 s)");
        Assert.Equal(server.Id, (await cluster.GetAsync(server.Id)).Id);
        var answer = await client.ToolAsync("echo", cancellationToken: Cancellation);
        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task Up_OnRunningData_SaysWhereItRunsAndDownIsRepeatable()
    {
        await using var cluster = await ObotCluster.StartAsync();
        var pid = cluster.SiloPids()[0];
        await cluster.UpAsync();
        Assert.Equal(pid, cluster.SiloPids()[0]);
        Assert.Equal(cluster.Urls[0], new Uri(cluster.Printed["url"]));
        foreach (var name in (string[])["console", "mcp", "data", "log"])
        {
            Assert.Contains(name, cluster.Printed.Keys, StringComparer.Ordinal);
        }

        using var anonymous = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await anonymous.GetAsync(new Uri(cluster.Urls[0], "/readyz"), Cancellation)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await anonymous.GetAsync(new Uri(cluster.Urls[0], "/api/mcp-servers"), Cancellation)).StatusCode);
        await cluster.DownAsync();
        await cluster.DownAsync();
    }

    private static async Task<List<Call>> LoadAsync(ObotCluster cluster, McpServer server, Stopwatch clock, CancellationToken done)
    {
        var calls = new List<Call>();
        using var client = cluster.Connect(server, silo: 1);
        while (!done.IsCancellationRequested)
        {
            var begun = clock.Elapsed;
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            patience.CancelAfter(CallLimit);
            string? failure;
            try
            {
                var answer = await client.ToolAsync("echo", cancellationToken: patience.Token);
                failure = answer.Result is null ? answer.ToString() : null;
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
            {
                failure = exception.Message;
            }

            calls.Add(new Call(begun, clock.Elapsed - begun, failure));
            await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        }

        return calls;
    }

    private sealed record Call(TimeSpan Begun, TimeSpan Took, string? Failure);
}
