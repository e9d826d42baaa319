using System.Diagnostics;
using System.Net.Http.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Servers without a process of their own share the guards of a silo.</summary>
public sealed class PooledServersTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const int Servers = 24;
    private const int GuardsOfASilo = 2;
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RemoteServers_Many_LiveInAFewGuardsAndSurviveTheDeathOfOne()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var servers = await Task.WhenAll(Enumerable.Range(0, Servers).Select(number => MakeAsync(Manifests.Remote($"pooled {number}", fixture.Url))));
        var clock = Stopwatch.StartNew();
        await CallAllAsync(servers);
        var first = clock.Elapsed;
        var before = await Task.WhenAll(servers.Select(server => Cluster.DetailsAsync(server.Id)));
        var guards = before.Select(details => details.Pid("guard")).Distinct().ToList();
        Output.WriteLine($"{Servers} remote servers, first calls within {first.TotalSeconds:0.00} s, in {guards.Count} guards (bound {Cluster.Urls.Count * GuardsOfASilo})");
        Assert.InRange(guards.Count, 1, Cluster.Urls.Count * GuardsOfASilo);

        var victim = before.GroupBy(details => details.Pid("guard")).MaxBy(group => group.Count())!;
        Signals.Send(victim.Key, Signal.Kill);
        clock.Restart();
        await CallAllAsync(servers);
        var after = await Task.WhenAll(servers.Select(server => Cluster.EventuallyAsync(server.Id, "running again", CallLimit, details => details.IsRunning)));
        Output.WriteLine($"kill -9 of the guard of {victim.Count()}: all {Servers} answered within {clock.Elapsed.TotalSeconds:0.00} s");
        Assert.DoesNotContain(after, details => details.Pid("guard") == victim.Key);
        for (var i = 0; i < Servers; i++)
        {
            // whoever was elsewhere noticed nothing
            Assert.Equal(before[i].Pid("guard") == victim.Key, after[i].Generation > before[i].Generation);
        }
    }

    [Fact]
    public async Task RemoteServer_OfATemplate_AsksForItsValuesAndUsesThem()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await MakeAsync(new
        {
            name = "template",
            serverUserType = "singleUser",
            runtime = "remote",
            remoteConfig = new { urlTemplate = $"http://127.0.0.1:{fixture.Url.Port}/${{SPACE}}" },
        });
        Assert.Equal(["SPACE"], server.MissingRequiredEnvVars);
        using var refused = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string>(StringComparer.Ordinal) { ["OTHER"] = "x" });
        Assert.Equal(400, (int)refused.StatusCode);
        using var configured = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string>(StringComparer.Ordinal) { ["SPACE"] = fixture.Url.AbsolutePath.Trim('/') });
        configured.EnsureSuccessStatusCode();
        Assert.Empty((await configured.Content.ReadFromJsonAsync<McpServer>(Cancellation))!.MissingRequiredEnvVars!);
        using var client = Cluster.Connect(server);
        Assert.Equal(200, (await client.ModernToolAsync("echo", cancellationToken: Cancellation)).Status);
    }

    private async Task CallAllAsync(IReadOnlyList<McpServer> servers) => await Task.WhenAll(servers.Select(async (server, number) =>
    {
        using var client = Cluster.Connect(server, silo: number % Cluster.Urls.Count);
        var answer = await client.ModernToolAsync("echo", cancellationToken: Cancellation).WaitAsync(CallLimit, Cancellation);
        Assert.Equal(200, answer.Status);
    }));
}
