using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Guard, silo and database are killed under load: what a client saw answered has one record afterwards.</summary>
[Collection(Alone.Name)]
public sealed class AuditLossTests(ITestOutputHelper output)
{
    private const int Clients = 12;
    private static readonly TimeSpan Calm = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan BackWithin = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_GuardSiloAndDatabaseUnderLoad_EveryAnsweredCallHasOneRecord()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("loss"));
        using (var first = cluster.Connect(server, 1))
        {
            Assert.Equal(200, (await first.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        }

        var answered = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var unanswered = 0;
        using var done = new CancellationTokenSource();
        var load = Enumerable.Range(0, Clients).Select(number => LoadAsync(number % 2)).ToList();
        await GoesOnAsync("load");

        Signals.Send((await cluster.DetailsAsync(server.Id, silo: 1)).Pid("guard"), Signal.Kill);
        await GoesOnAsync("guard killed");
        foreach (var pid in People.DatabasePids(cluster).Reverse())
        {
            // every process of it: nothing is left that could finish what it had begun
            try
            {
                Signals.Send(pid, Signal.Kill);
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // it went with the others
            }
        }

        await GoesOnAsync("database killed");
        await RestartDatabaseAsync(cluster);
        await GoesOnAsync("database back");
        Signals.Send(cluster.SiloPids()[0]!.Value, Signal.Kill);
        await GoesOnAsync("silo killed");
        await done.CancelAsync();
        await Task.WhenAll(load);

        var clock = Stopwatch.StartNew();
        var records = await Eventually.ReadAsync("records", "all there", TimeSpan.FromSeconds(60), () => RecordsAsync(cluster, server), found => answered.Keys.All(found.ContainsKey));
        var losses = answered.Keys.Count(trace => !records.ContainsKey(trace));
        var duplicates = records.Values.Sum(count => count - 1);
        var others = records.Keys.Count(trace => !answered.ContainsKey(trace));
        output.WriteLine($"{answered.Count} calls answered ({answered.Values.Count(status => status != 200)} of them refused), {unanswered} not answered; {records.Count} records ({others} of calls that nobody saw answered), {duplicates} duplicates (bound 0), {losses} losses (bound 0); complete {clock.Elapsed.TotalSeconds:0.0} s after the load");
        Assert.Equal((0, 0), (losses, duplicates));
        Assert.True(answered.Count > 200, $"only {answered.Count} calls");

        async Task GoesOnAsync(string phase)
        {
            await Task.Delay(Calm, Cancellation);
            var before = answered.Count(pair => pair.Value == 200);
            await Eventually.TrueAsync("calls", $"answered again ({phase})", BackWithin, () => answered.Count(pair => pair.Value == 200) >= before + 20);
            output.WriteLine($"{phase}: {answered.Count} answered");
        }

        async Task LoadAsync(int silo)
        {
            using var client = cluster.Connect(server, silo);
            while (!done.IsCancellationRequested)
            {
                var trace = Guid.NewGuid().ToString("n");
                using var request = client.LegacyRequest("tools/call", new JsonObject { ["name"] = "echo", ["arguments"] = new JsonObject { ["message"] = trace } });
                request.Headers.Add("traceparent", $"00-{trace}-b7ad6b7169203331-01");
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
                patience.CancelAfter(TimeSpan.FromSeconds(40));
                try
                {
                    var answer = await client.SendAsync(request, patience.Token);
                    if (answer.Message is not null)
                    {
                        answered[trace] = answer.Status;
                    }

                    await Task.Delay(answer.Status == 200 ? 5 : 100, CancellationToken.None);
                }
                catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !Cancellation.IsCancellationRequested))
                {
                    Interlocked.Increment(ref unanswered);
                    await Task.Delay(100, CancellationToken.None);
                }
            }
        }
    }

    /// <summary>The database stands still, so what is proved here is the file: the last byte came, the guard died on it, the record lies on disk, where nobody can read it
    /// but the cluster, which brings it home.</summary>
    [Fact]
    public async Task Guard_KilledOnTheClientsLastByte_HasTheRecordInItsFile()
    {
        await using var cluster = await ObotCluster.StartAsync();
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("last byte"));
        using var client = cluster.Connect(server);
        var traces = new List<string>();
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
            var guard = (await cluster.DetailsAsync(server.Id)).Pid("guard");
            var database = People.DatabasePids(cluster);
            foreach (var pid in database)
            {
                Signals.Send(pid, Signal.Stop);
            }

            try
            {
                var trace = Guid.NewGuid().ToString("n");
                traces.Add(trace);
                using var request = client.LegacyRequest("tools/call", new JsonObject { ["name"] = "echo", ["arguments"] = new JsonObject { ["message"] = "x" } });
                request.Headers.Add("traceparent", $"00-{trace}-b7ad6b7169203331-01");
                var before = OnDisk(cluster, server).Sum(file => (long)file.Length);
                var answer = await client.SendAsync(request, Cancellation);
                Signals.Send(guard, Signal.Kill);
                Assert.Equal(200, answer.Status);
                var files = OnDisk(cluster, server);
                Assert.True(files.Sum(file => (long)file.Length) > before + trace.Length, $"round {round}: no file holds the record");
                Assert.DoesNotContain(files, file => file.AsSpan().IndexOf(Encoding.ASCII.GetBytes(trace)) >= 0);
            }
            finally
            {
                foreach (var pid in database)
                {
                    Signals.Send(pid, Signal.Continue);
                }
            }
        }

        var records = await Eventually.ReadAsync("records", "all there", TimeSpan.FromSeconds(30), () => RecordsAsync(cluster, server), found => traces.TrueForAll(found.ContainsKey));
        output.WriteLine($"{traces.Count} guards killed on the last byte: {traces.Count} records in files, {traces.Sum(trace => records[trace])} in the database");
        Assert.All(traces, trace => Assert.Equal(1, records[trace]));
    }

    /// <summary>The journals of a server's guards. While the database stands still nothing of them goes away.</summary>
    private static List<byte[]> OnDisk(ObotCluster cluster, McpServer server) =>
        [.. Directory.EnumerateDirectories(Path.Combine(cluster.Data, "audit"), $"{server.Id}*").SelectMany(folder => Directory.EnumerateFiles(folder, "*.wal", SearchOption.AllDirectories)).Select(File.ReadAllBytes)];

    /// <summary>How many records there are of each trace.</summary>
    private static async Task<Dictionary<string, int>> RecordsAsync(ObotCluster cluster, McpServer server)
    {
        var found = new Dictionary<string, int>(StringComparer.Ordinal);
        string? cursor = null;
        do
        {
            using var response = await cluster.SendAsync(HttpMethod.Get, $"/api/mcp-audit-logs?mcpServerID={server.Id}&limit=500&cursor={cursor}", silo: cluster.SiloPids()[0] is null ? 1 : 0);
            var page = JsonSerializer.Deserialize<JsonElement>(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation));
            foreach (var item in page.GetProperty("items").EnumerateArray())
            {
                if (item.TryGetProperty("traceID", out var trace))
                {
                    found[trace.GetString()!] = found.GetValueOrDefault(trace.GetString()!) + 1;
                }
            }

            cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);
        return found;
    }

    /// <summary>As whoever looks after a database would: with the command line that it was started with, as the same user.</summary>
    private static async Task RestartDatabaseAsync(ObotCluster cluster)
    {
        var data = Path.Combine(cluster.Data, "postgres", "data");
        var command = (await File.ReadAllTextAsync(Path.Combine(data, "postmaster.opts"), Cancellation)).Trim();
        var owner = (await ProcessRunner.RunAsync("stat", ["-c", "%U", data], TimeSpan.FromSeconds(5))).Checked().Output.Trim();
        var line = $"cd '{data}' && exec setsid {command} >/dev/null 2>&1 </dev/null &";
        (await (owner == Environment.UserName ? ProcessRunner.RunAsync("sh", ["-c", line], TimeSpan.FromSeconds(5)) : ProcessRunner.RunAsync("runuser", ["-u", owner, "--", "sh", "-c", line], TimeSpan.FromSeconds(5)))).Checked();
    }
}
