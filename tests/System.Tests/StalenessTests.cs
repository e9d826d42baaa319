using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Whoever lost touch refuses. Each test has a cluster of its own with a small <c>MaxStaleness</c>.</summary>
[Collection(Alone.Name)]
public sealed class StalenessTests(ITestOutputHelper output)
{
    private static readonly TimeSpan MaxStaleness = TimeSpan.FromSeconds(3);

    /// <summary>Heartbeat, poll and the call itself.</summary>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    /// <summary>A change is known everywhere after a second at most.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(1.5);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Database_Stopped_RefusesWithinMaxStalenessAndRecovers()
    {
        await using var cluster = await ObotCluster.StartAsync(2, ("Obot__Security__MaxStaleness", "00:00:03"));
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await cluster.CreateServerAsync(Manifests.Remote("database stopped", fixture.Url));
        using var clients = new Clients(cluster, server);
        Assert.All(await clients.CallAsync(), status => Assert.Equal(200, status));

        // what the creation of the server made silos and guard forget has been asked for again
        await Task.Delay(Settled, Cancellation);
        Assert.All(await clients.CallAsync(), status => Assert.Equal(200, status));

        var database = People.DatabasePids(cluster);
        var clock = Stopwatch.StartNew();
        TimeSpan last = default, back;
        try
        {
            foreach (var pid in database)
            {
                Signals.Send(pid, Signal.Stop);
            }

            clock.Restart();
            while (clock.Elapsed < MaxStaleness + (2 * Slack))
            {
                var begun = clock.Elapsed;
                if ((await clients.CallAsync()).Contains(200))
                {
                    last = begun;
                }
            }
        }
        finally
        {
            foreach (var pid in database.Where(Proc.Exists))
            {
                Signals.Send(pid, Signal.Continue);
            }
        }

        clock.Restart();
        await Eventually.ReadAsync("both silos", "serving again", TimeSpan.FromSeconds(30), clients.CallAsync, statuses => statuses.All(status => status == 200));
        back = clock.Elapsed;
        output.WriteLine($"last allowed call begun {last.TotalSeconds:0.0} s after PostgreSQL stopped (MaxStaleness {MaxStaleness.TotalSeconds:0} s); both silos serve {back.TotalSeconds:0.0} s after it went on");
        Assert.InRange(last, TimeSpan.FromSeconds(0.5), MaxStaleness + Slack);
    }

    /// <summary>The guard itself: its silo is frozen, the other silo is well and goes on sending it calls.</summary>
    [Fact]
    public async Task Guard_WhoseSiloIsFrozen_ServesNobodyBeyondMaxStaleness()
    {
        await using var cluster = await ObotCluster.StartAsync(2, ("Obot__Security__MaxStaleness", "00:00:03"));
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var silos = cluster.SiloPids();
        McpServer server;
        ServerDetails details;
        do
        {
            // on the second silo, so that the first one, which the tests talk to, stays
            server = await cluster.CreateServerAsync(Manifests.Remote("frozen silo", fixture.Url));
            await cluster.LaunchAsync(server.Id);
            details = await cluster.DetailsAsync(server.Id);
        }
        while (!Proc.Descendants(silos[1]!.Value).Contains(details.Pid("guard")));

        using var client = cluster.Connect(server);
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
        await Task.Delay(Settled, Cancellation);
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
        var clock = Stopwatch.StartNew();
        Signals.Send(silos[1]!.Value, Signal.Stop);
        TimeSpan last = default;
        var refused = 0;
        using var watching = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var replaced = ReplacedAsync(cluster, server, details.Generation, watching.Token);
        try
        {
            // what the next generation serves, be it at once, is not the old guard's
            while (clock.Elapsed < TimeSpan.FromSeconds(40) && !replaced.IsCompleted)
            {
                var begun = clock.Elapsed;
                var status = (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status;
                refused += status == 503 ? 1 : 0;
                if (status != 200 || clock.Elapsed - begun > TimeSpan.FromSeconds(1))
                {
                    break;
                }

                last = begun;
                await Task.Delay(20, Cancellation);
            }

            // its own clock stopped the old guard; the next generation stands beside the living silo
            await Eventually.ReadAsync("the server", "served by the next generation", TimeSpan.FromSeconds(60), async () => (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status, status => status == 200);
        }
        finally
        {
            await watching.CancelAsync();
            if (Proc.Exists(silos[1]!.Value))
            {
                Signals.Send(silos[1]!.Value, Signal.Continue);
            }
        }

        var after = await cluster.DetailsAsync(server.Id);
        output.WriteLine($"last call of the old guard begun {last.TotalSeconds:0.0} s after its silo froze (MaxStaleness {MaxStaleness.TotalSeconds:0} s); {refused} refused at once; generation {details.Generation} → {after.Generation} after {clock.Elapsed.TotalSeconds:0.0} s");
        Assert.InRange(last, TimeSpan.FromSeconds(0.5), MaxStaleness * 10);
        Assert.True(after.Generation > details.Generation);
    }

    /// <summary>Ends when the state names a later generation; the silo that is asked may have to find the grain first.</summary>
    private static async Task ReplacedAsync(ObotCluster cluster, McpServer server, long generation, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if ((await cluster.DetailsAsync(server.Id)).Generation > generation)
                {
                    return;
                }
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                // the grain's silo is frozen
            }

            await Task.Delay(50, CancellationToken.None);
        }
    }

    private sealed class Clients(ObotCluster cluster, McpServer server) : IDisposable
    {
        private readonly McpHttp[] all = [.. Enumerable.Range(0, 2).Select(silo => cluster.Connect(server, silo))];

        public async Task<int[]> CallAsync() => await Task.WhenAll(all.Select(async client => (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status));

        public void Dispose() => Array.ForEach(all, client => client.Dispose());
    }
}
