using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>One silo that looks after its servers often and waits little.</summary>
public sealed class ImpatientCluster : IAsyncLifetime
{
    public const string Name = "impatient cluster";
    private ObotCluster? cluster;

    internal ObotCluster Cluster => cluster ?? throw new InvalidOperationException("not started");

    public async ValueTask InitializeAsync() => cluster = await ObotCluster.StartAsync(
        1, ("Obot__Hosting__HealthInterval", "00:00:01"), ("Obot__Hosting__HealthFailures", "1"), ("Obot__Hosting__MaxBackOff", "00:00:02"), ("Obot__Hosting__IdleTimeouts__remote", "00:00:02"));

    public async ValueTask DisposeAsync()
    {
        if (cluster is not null)
        {
            await cluster.DisposeAsync();
        }
    }
}

[CollectionDefinition(ImpatientCluster.Name, DisableParallelization = true)]
public sealed class ImpatientClusterDefinition : ICollectionFixture<ImpatientCluster>;

/// <summary>Updates, breakdowns and sleep, as whoever uses the server sees them.</summary>
[Collection(ImpatientCluster.Name)]
public sealed class LifeTests(ImpatientCluster impatient, ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private ObotCluster Cluster => impatient.Cluster;

    [Fact]
    public async Task Manifest_Changed_RollsOverWithoutALostCall_AndOneThatDoesNotStartChangesNothing()
    {
        var server = await Cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("rolling", more: ("FIXTURE_LIFE", "one")));
        using var client = Cluster.Connect(server);
        Assert.Equal("one", await LifeAsync(client));
        var session = await client.InitializeAsync(Cancellation);
        var before = await Cluster.DetailsAsync(server.Id);
        using var done = new CancellationTokenSource();
        var load = LoadAsync(client, done.Token);
        var slow = client.ToolAsync("slow", new JsonObject { ["delay"] = 4000 }, cancellationToken: Cancellation);
        var clock = Stopwatch.StartNew();
        await UpdateAsync(server, await Manifests.StdioFixtureAsync("rolling", more: ("FIXTURE_LIFE", "two")));
        var after = await Cluster.EventuallyAsync(server.Id, "rolled over", Limit, details => details.Generation > before.Generation);
        var changed = clock.Elapsed;
        Assert.Equal("two", await LifeAsync(client));
        Assert.False(after.NeedsUpdate);
        Assert.Equal("waited 4000 ms", (await slow).Text);
        await Eventually.TrueAsync($"generation {before.Generation}", "gone", TimeSpan.FromSeconds(20), () => !before.Processes!.Any(process => Proc.Exists(process.Pid)));
        Assert.Equal(200, (await client.ToolAsync("echo", session: session, cancellationToken: Cancellation)).Status);
        await done.CancelAsync();
        var (calls, failed) = await load;
        output.WriteLine($"rolled over after {changed.TotalSeconds:0.00} s, old generation gone after {clock.Elapsed.TotalSeconds:0.0} s; {calls} calls meanwhile, {failed.Count} failed (bound 0)");
        Assert.Empty(failed);

        // the next one does not start: the old one goes on, and says what differs
        await UpdateAsync(server, await Manifests.StdioFixtureAsync("rolling", "exits", more: ("FIXTURE_LIFE", "three")));
        var drifted = await Cluster.EventuallyAsync(server.Id, "did not roll over", Limit, details => details.NeedsUpdate && details.DeploymentReason?.Contains("did not start", StringComparison.Ordinal) is true);
        output.WriteLine($"{drifted.DeploymentReason}; differs in {string.Join(", ", drifted.Diff!.Select(change => $"{change.Field}: {change.Running} → {change.Declared}"))}");
        Assert.True(drifted.IsRunning);
        Assert.Contains(drifted.Diff!, change => change is { Running: "two", Declared: "three" });
        Assert.Equal("two", await LifeAsync(client));
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task Guard_ThatHangs_IsReplacedByTheHealthCheck()
    {
        var server = await Cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("hung guard"));
        using var client = Cluster.Connect(server);
        await LifeAsync(client);
        var before = await Cluster.DetailsAsync(server.Id);
        Signals.Send(before.Pid("guard"), Signal.Stop);
        var clock = Stopwatch.StartNew();
        var after = await Cluster.EventuallyAsync(server.Id, "replaced", Limit, details => details.IsRunning && details.Generation > before.Generation);
        output.WriteLine($"a guard that hangs was replaced after {clock.Elapsed.TotalSeconds:0.0} s (health check every second, 5 s patience): {after.DeploymentReason}");
        await LifeAsync(client);
        await Eventually.TrueAsync($"guard {before.Pid("guard")}", "gone", TimeSpan.FromSeconds(20), () => !Proc.Exists(before.Pid("guard")));
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task PooledGuard_ThatHangs_IsReplacedAndItsInstancesGoOn()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await Cluster.CreateServerAsync(Manifests.Remote("hung pool", fixture.Url));
        using var client = Cluster.Connect(server);
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
        var guard = (await Cluster.DetailsAsync(server.Id)).Pid("guard");
        Signals.Send(guard, Signal.Stop);
        var clock = Stopwatch.StartNew();
        var call = client.ModernToolAsync("echo", cancellationToken: Cancellation).WaitAsync(Limit, Cancellation);
        Assert.Equal(200, (await call).Status);
        output.WriteLine($"a call into a pooled guard that hangs was answered after {clock.Elapsed.TotalSeconds:0.0} s, by the next one");
        Assert.NotEqual(guard, (await Cluster.DetailsAsync(server.Id)).Pid("guard"));
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task RemoteServer_Idle_SleepsAfterTheTimeOfItsKindAndWakes()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await Cluster.CreateServerAsync(Manifests.Remote("idle remote", fixture.Url));
        using var client = Cluster.Connect(server);
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
        await Cluster.EventuallyAsync(server.Id, "asleep", Limit, details => details.IsStopped);
        var clock = Stopwatch.StartNew();
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
        output.WriteLine($"a remote server woke and answered in {clock.ElapsedMilliseconds} ms");
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task Start_ThatKeepsFailing_IsTriedLessAndLessOftenUpToTheCap_AndItsEventsSaySo()
    {
        var server = await Cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("crashes", "exits"));
        using var client = Cluster.Connect(server);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var events = ReadEventsAsync(server, stop.Token);
        var pauses = new List<double>();
        for (var failure = 1; failure <= 4; failure++)
        {
            await Eventually.ReadAsync($"server {server.Id}", $"failure {failure}", Limit, async () =>
            {
                Assert.Equal(503, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
                return await Cluster.DetailsAsync(server.Id);
            }, details => details.Failures >= failure);
            var details = await Cluster.DetailsAsync(server.Id);
            pauses.Add((details.RetryAt!.Value - TimeProvider.System.GetUtcNow()).TotalSeconds);
        }

        await stop.CancelAsync();
        var seen = await events;
        output.WriteLine($"pauses {string.Join(", ", pauses.Select(pause => $"{pause:0.0} s"))} (cap 2 s); events {string.Join(" ", seen)}");
        Assert.All(pauses, pause => Assert.InRange(pause, -2, 2));
        Assert.Contains("Starting", seen);
        Assert.Contains("Failed", seen);
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task LegacySession_SurvivesTheDeathOfItsServerAndGuard_UnlessTheServerSaysOtherwise()
    {
        var server = await Cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("sessions"));
        using var client = Cluster.Connect(server);
        var session = await client.InitializeAsync(Cancellation);
        Assert.Equal(200, (await client.ToolAsync("echo", session: session, cancellationToken: Cancellation)).Status);
        foreach (var role in new[] { "bridge", "guard" })
        {
            Signals.Send((await Cluster.DetailsAsync(server.Id)).Pid(role), Signal.Kill);
            var clock = Stopwatch.StartNew();
            var answer = await client.ToolAsync("echo", session: session, cancellationToken: Cancellation);
            output.WriteLine($"kill -9 {role}: the session's next call answered {answer.Status} after {clock.Elapsed.TotalSeconds:0.00} s");
            Assert.Equal(200, answer.Status);
        }

        var child = int.Parse((await client.ToolAsync("pid", session: session, cancellationToken: Cancellation)).Text, System.Globalization.CultureInfo.InvariantCulture);
        Signals.Send(child, Signal.Kill);
        await Eventually.TrueAsync($"server {child}", "gone", TimeSpan.FromSeconds(5), () => !Proc.Exists(child));
        await Eventually.ReadAsync("session", "answers again", TimeSpan.FromSeconds(10), () => client.ToolAsync("echo", session: session, cancellationToken: Cancellation), answer => answer.Result is not null);
        await Cluster.DeleteAsync(server.Id);

        var manifest = JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(await Manifests.StdioFixtureAsync("stateful")))!.AsObject();
        manifest["sessionRecovery"] = "expire";
        var stateful = await Cluster.CreateServerAsync(manifest);
        using var other = Cluster.Connect(stateful);
        var lost = await other.InitializeAsync(Cancellation);
        Assert.Equal(200, (await other.ToolAsync("echo", session: lost, cancellationToken: Cancellation)).Status);
        Signals.Send((await Cluster.DetailsAsync(stateful.Id)).Pid("bridge"), Signal.Kill);
        Assert.Equal(404, (await other.ToolAsync("echo", session: lost, cancellationToken: Cancellation)).Status);
        await Cluster.DeleteAsync(stateful.Id);
    }

    private async Task UpdateAsync(McpServer server, object manifest)
    {
        using var response = await Cluster.Http.PutAsJsonAsync($"/api/mcp-servers/{server.Id}", new { manifest }, Cancellation);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }

    private static async Task<string?> LifeAsync(McpHttp client) =>
        JsonNode.Parse((await client.ToolAsync("env", cancellationToken: Cancellation).WaitAsync(Limit, Cancellation)).Text)!["FIXTURE_LIFE"]?.GetValue<string>();

    private static async Task<(int Calls, List<string> Failed)> LoadAsync(McpHttp client, CancellationToken done)
    {
        var (calls, failed) = (0, new List<string>());
        for (; !done.IsCancellationRequested; calls++)
        {
            var answer = await client.ToolAsync("echo", cancellationToken: Cancellation);
            if (answer.Result is null)
            {
                failed.Add(answer.ToString());
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), CancellationToken.None);
        }

        return (calls, failed);
    }

    private async Task<IReadOnlyList<string>> ReadEventsAsync(McpServer server, CancellationToken cancellationToken)
    {
        var seen = new List<string>();
        try
        {
            await using var stream = await Cluster.Http.GetStreamAsync(new Uri($"/api/mcp-servers/{server.Id}/events", UriKind.Relative), cancellationToken);
            using var reader = new StreamReader(stream);
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    seen.Add(JsonNode.Parse(line[6..])!["deploymentStatus"]!.GetValue<string>());
                }
            }
        }
        catch (OperationCanceledException)
        {
            // enough
        }

        return seen;
    }
}
