using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Limits of one user over two silos, on a cluster of their own.</summary>
[Collection(Alone.Name)]
public sealed class LimitTests(ITestOutputHelper output)
{
    private const int PerSecond = 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_OfOneUserThroughTwoSilos_StayWithinTheSharedRate()
    {
        await using var cluster = await ObotCluster.StartAsync(2, ("Obot__Limits__RequestsPerSecondPerUser", $"{PerSecond}"));
        await using var fixture = await Fixture.StartAsync(stateless: true);
        var servers = new[] { await cluster.CreateServerAsync(Manifests.Remote("limit a", fixture.Url)), await cluster.CreateServerAsync(Manifests.Remote("limit b", fixture.Url)) };
        foreach (var server in servers)
        {
            await cluster.LaunchAsync(server.Id);
        }

        var clock = Stopwatch.StartNew();
        var length = TimeSpan.FromSeconds(12);
        var answers = (await Task.WhenAll(servers.SelectMany(server => (int[])[0, 1], (server, silo) => LoadAsync(cluster, server, silo, clock, length)))).SelectMany(list => list).ToArray();
        var allowed = answers.Count(answer => answer.Status == 200);
        var late = answers.Count(answer => answer.Status == 200 && answer.At > TimeSpan.FromSeconds(4)) / (length.TotalSeconds - 4);
        output.WriteLine($"{answers.Length} requests in {length.TotalSeconds:0} s through two silos to two servers, {allowed} allowed (limit {PerSecond}/s and {PerSecond} at once: {(length.TotalSeconds + 1) * PerSecond:0}); {late:0.0}/s after the first 4 s");
        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 429, $"{answer.Status}"));
        Assert.InRange(allowed, PerSecond * length.TotalSeconds * 0.6, PerSecond * (length.TotalSeconds + 3));
        Assert.InRange(late, PerSecond * 0.6, PerSecond * 1.1);
    }

    private static async Task<List<(TimeSpan At, int Status)>> LoadAsync(ObotCluster cluster, McpServer server, int silo, Stopwatch clock, TimeSpan length)
    {
        var answers = new List<(TimeSpan, int)>();
        using var client = cluster.Connect(server, silo);
        while (clock.Elapsed < length)
        {
            var answer = await client.ModernToolAsync("echo", cancellationToken: Cancellation);
            answers.Add((clock.Elapsed, answer.Status));
            if (answer.Status == 429)
            {
                Assert.Contains("RequestsPerSecondPerUser", answer.Error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
                await Task.Delay(20, Cancellation);
            }
        }

        return answers;
    }
}
