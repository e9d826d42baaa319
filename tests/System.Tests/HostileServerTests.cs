using System.Diagnostics;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Servers and clients that behave badly get a clear error or a clean end, and leave nothing behind.</summary>
public sealed class HostileServerTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const int Megabyte = 1024 * 1024;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("silent", 5, "5 s", "time", "answer")]
    [InlineData("exits", 60, "3", "I exit at once")]
    [InlineData("floods", 5, "5 s", "time", "answer")]
    public async Task Server_ThatNeverServes_FailsWithAReason(string mode, int startupTimeoutSeconds, params string[] anyOf)
    {
        var before = Counts.Take(Cluster);
        var manifest = await Manifests.StdioFixtureAsync($"hostile {mode}", mode, startupTimeoutSeconds: startupTimeoutSeconds);
        await FailsWithAsync(manifest, TimeSpan.FromSeconds(startupTimeoutSeconds + 30), anyOf);
        await before.ComeBackAsync(Cluster, Output);
    }

    [Fact]
    public async Task Package_ThatDoesNotExist_FailsWithItsName()
    {
        const string Package = "@modelcontextprotocol/server-that-does-not-exist-9f3a";
        var before = Counts.Take(Cluster);
        await FailsWithAsync(Manifests.Npx("no such package", Package), TimeSpan.FromSeconds(90), Package);
        await before.ComeBackAsync(Cluster, Output);
    }

    [Fact]
    public async Task Server_FloodingStderr_IsServedAndCostsNoMemory()
    {
        var counts = Counts.Take(Cluster);
        var server = await Cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("flood", "serves-and-floods"));
        using var client = Cluster.Connect(server);
        Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        var before = await MemoryAsync(server);
        var clock = Stopwatch.StartNew();
        var calls = 0;
        for (; clock.Elapsed < TimeSpan.FromSeconds(10); calls++)
        {
            Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        }

        var grown = (await MemoryAsync(server) - before) / Megabyte;
        Output.WriteLine($"{calls} calls in 10 s of flood; silos, guard and bridge grew by {grown} MB (bound 150)");
        Assert.True(grown < 150);
        await Cluster.DeleteAsync(server.Id);
        await counts.ComeBackAsync(Cluster, Output);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Message_OfFiftyMegabytes_ArrivesWhole(bool stdio)
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await MakeAsync(stdio ? await Manifests.StdioFixtureAsync("50 MB") : Manifests.Remote("50 MB", fixture.Url));
        using var client = Cluster.Connect(server);
        await client.ToolAsync("echo", cancellationToken: Cancellation);
        var before = await MemoryAsync(server);
        var clock = Stopwatch.StartNew();
        var answer = await client.ToolAsync("big", new JsonObject { ["mb"] = 50 }, cancellationToken: Cancellation);
        Output.WriteLine($"50 MB {(stdio ? "through the bridge" : "over HTTP")}: {clock.Elapsed.TotalSeconds:0.00} s; memory {before / Megabyte} → {await MemoryAsync(server) / Megabyte} MB");
        Assert.Equal(50 * Megabyte, answer.Text.Length);
        Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Client_GoneInMidStream_CancelsInModernOnly(bool modern, bool stdio)
    {
        using var scratch = new Scratch("log");
        var log = scratch.NewFile("fixture.log");
        await using var fixture = await Fixture.StartAsync(stateless: modern, log);
        var server = await MakeAsync(stdio ? await Manifests.StdioFixtureAsync("disconnect", log: log) : Manifests.Remote("disconnect", fixture.Url));
        using var client = Cluster.Connect(server);
        var end = await Disconnect.MidCallAsync(client, modern, log, $"{(modern ? "modern" : "legacy")}-{(stdio ? "stdio" : "http")}");
        Assert.Equal(modern ? "cancelled" : "finished", end);
    }

    [Fact]
    public async Task Request_ThatIsNoJson_IsRefusedWithANullId()
    {
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var server = await MakeAsync(Manifests.Remote("bad json", fixture.Url));
        using var client = Cluster.Connect(server);
        var (status, body) = await client.PostAsync("""{"jsonrpc": "2.0", "id": 1, """, Cancellation);
        Assert.Equal(400, status);
        Assert.Null(JsonNode.Parse(body)!["id"]);
        Assert.Equal(-32700, JsonNode.Parse(body)!["error"]!["code"]!.GetValue<int>());
    }

    [Fact]
    public async Task Server_ThatIsUnknown_IsAnErrorThatAClientCanShow()
    {
        using var client = new McpHttp(new Uri(Cluster.Urls[0], "/mcp-connect/no-such-server"), Cluster.Token);
        var answer = await client.ToolAsync("echo", cancellationToken: Cancellation);
        Assert.Equal(404, answer.Status);
        Assert.NotNull(answer.Error);
        Assert.NotNull(answer.Message!["id"]);
    }

    /// <summary>The call is refused with a JSON-RPC error, the state says Failed, and its reason has one of the words.</summary>
    private async Task FailsWithAsync(object manifest, TimeSpan limit, params string[] anyOf)
    {
        var server = await Cluster.CreateServerAsync(manifest);
        try
        {
            using var client = Cluster.Connect(server);
            var answer = await client.ToolAsync("echo", cancellationToken: Cancellation).WaitAsync(limit, Cancellation);
            Output.WriteLine($"call: {answer}");
            var state = await Cluster.GetAsync(server.Id);
            Output.WriteLine($"state: {state.DeploymentStatus}, {state.DeploymentReason}");
            Assert.NotNull(answer.Error);
            Assert.NotNull(answer.Message!["id"]);
            Assert.Contains(state.DeploymentStatus, (string[])["Failed", "Unhealthy", "Starting"], StringComparer.Ordinal);
            Assert.Contains(anyOf, word => state.DeploymentReason?.Contains(word, StringComparison.OrdinalIgnoreCase) is true);
        }
        finally
        {
            await Cluster.DeleteAsync(server.Id);
        }
    }

    /// <summary>Resident memory of the silos and of this server's guard and bridge.</summary>
    private async Task<long> MemoryAsync(McpServer server)
    {
        var details = await Cluster.DetailsAsync(server.Id);
        return Cluster.SiloPids().OfType<int>().Concat((details.Processes ?? []).Select(process => process.Pid)).Sum(Proc.ResidentBytes);
    }

    /// <summary>Processes below the silos, and their open handles.</summary>
    private sealed record Counts(int Processes, int Handles)
    {
        /// <summary>Connections in the pools of two silos come and go; a leak would be a handle a call, and there are hundreds.</summary>
        private const int HandleSlack = 64;

        public static Counts Take(ObotCluster cluster) => new(cluster.HostedPids().Count, cluster.SiloPids().OfType<int>().Sum(Proc.Handles));

        public async Task ComeBackAsync(ObotCluster cluster, ITestOutputHelper output)
        {
            // connections in pools count as handles and live for a while
            var after = await Eventually.ReadAsync(
                "silos",
                $"back to {Processes} processes and {Handles} + {HandleSlack} handles",
                TimeSpan.FromSeconds(60),
                () => Task.FromResult(Take(cluster)),
                now => now.Processes <= Processes && now.Handles <= Handles + HandleSlack);
            output.WriteLine($"processes {Processes} → {after.Processes} (bound {Processes}), handles {Handles} → {after.Handles} (bound +{HandleSlack})");
        }
    }
}
