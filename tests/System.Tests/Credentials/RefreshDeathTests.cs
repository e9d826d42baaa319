using System.Diagnostics;
using System.Net;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>What becomes of a refresh whose silo dies, and of one whose answer is lost. A cluster of its own: a silo of it is killed.</summary>
[Collection(Alone.Name)]
public sealed class RefreshDeathTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Expiry = TimeSpan.FromSeconds(5);

    /// <summary>Ten times what the attempt's deadline (10 s) and the fail-over promise.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(150);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refresh_SiloKilledInTheMiddle_IsMadeOnceMoreAndAnswersEverybody()
    {
        await using var thirdParty = await ThirdParty.StartAsync();
        await using var cluster = await ObotCluster.StartAsync(2, ("Obot__Outbound__AllowedHosts__0", "127.0.0.1"), ("Obot__Outbound__Timeout", "00:00:20"));
        await thirdParty.TellAsync(new { ttl = 4 });
        var server = await cluster.CreateServerAsync(Manifests.Remote("dying", thirdParty.Server));
        using var owner = await Visitor.OwnerAsync(cluster);
        await ConnectAsync(owner, server);
        McpHttp[] clients = [cluster.Connect(server, 0), cluster.Connect(server, 1)];
        Assert.Contains("alice", (await clients[0].ToolAsync("whoami", cancellationToken: Cancellation)).Text, StringComparison.Ordinal);
        await Task.Delay(Expiry, Cancellation);

        var lost = await cluster.CreateServerAsync(Manifests.Remote("lost", thirdParty.Server));

        // the request arrives, its silo dies, and the third party never sees to it
        await thirdParty.TellAsync(new { reset = true, ttl = 3600, refreshDelay = 8000, drop = true });
        var hanging = clients.Select(client => client.ToolAsync("whoami", cancellationToken: Cancellation)).ToArray();
        await Eventually.ReadAsync("third party", "gets the refresh", Patience, thirdParty.SeenAsync, seen => seen.RefreshRequests == 1);
        var pids = cluster.SiloPids();
        var doing = Proc.ConnectedTo(new Uri(thirdParty.Issuer).Port, pids.OfType<int>());
        var victim = pids.ToList().IndexOf(Assert.Single(doing));
        Signals.Send(pids[victim]!.Value, Signal.Kill);
        var clock = Stopwatch.StartNew();
        await thirdParty.TellAsync(new { refreshDelay = 0, drop = false });
        await Task.WhenAny(Task.WhenAll(hanging), Task.Delay(Patience, Cancellation));

        var survivor = clients[1 - victim];
        await Eventually.ReadAsync("survivor", "calls with a renewed token", Patience, () => survivor.ToolAsync("whoami", cancellationToken: Cancellation), answer => answer.Result is not null);
        var back = clock.Elapsed;
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => survivor.ToolAsync("whoami", cancellationToken: Cancellation)));
        Assert.All(answers, answer => Assert.Contains("alice", answer.Text, StringComparison.Ordinal));
        var seen = await thirdParty.SeenAsync();
        output.WriteLine($"silo killed in mid-refresh: calls answer {back.TotalSeconds:0.0} s later; {seen.RefreshRequests} refresh requests, {seen.Refreshes} taken (bound: 2 and 1)");
        Assert.Equal((2, 1), (seen.RefreshRequests, seen.Refreshes));

        // the third party rotated the token and its answer was lost: nothing is left to renew with, and that is said
        await thirdParty.TellAsync(new { ttl = 4 });
        using var person = await Visitor.OwnerAsync(cluster, 1 - victim);
        await ConnectAsync(person, lost);
        using var client = cluster.Connect(lost, 1 - victim);
        await Task.Delay(Expiry, Cancellation);
        await thirdParty.TellAsync(new { hang = true });
        var unavailable = await client.ToolAsync("whoami", cancellationToken: Cancellation);
        Assert.Equal(503, unavailable.Status);
        await thirdParty.TellAsync(new { hang = false });
        var again = await Eventually.ReadAsync("lost", "asks to sign in again", Patience, () => client.ToolAsync("whoami", cancellationToken: Cancellation), answer => answer.Error?["data"] is not null);
        var words = again.Error!["message"]!.GetValue<string>();
        output.WriteLine(words);
        Assert.Contains("sign in again", words, StringComparison.Ordinal);
        Assert.Contains($"/oauth/mcp/connect/{lost.Id}", words, StringComparison.Ordinal);
        await ConnectAsync(person, lost);
        await Eventually.ReadAsync("lost", "calls again", Patience, () => client.ToolAsync("whoami", cancellationToken: Cancellation), answer => answer.Result is not null);
        Array.ForEach(clients, one => one.Dispose());
    }

    private static async Task ConnectAsync(Visitor person, McpServer server)
    {
        var url = new Uri(person.Home, $"/oauth/mcp/connect/{server.Id}");
        for (var hop = 0; hop < 15; hop++)
        {
            using var answer = await person.Http.GetAsync(url, Cancellation);
            if (answer.Headers.Location is not { } next)
            {
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                return;
            }

            // the third party knows the platform's public address; the person may sit at another silo of it
            url = new Uri(url, next);
            url = url.AbsolutePath == "/oauth/mcp/callback" ? new Uri(person.Home, url.PathAndQuery) : url;
        }
    }
}
