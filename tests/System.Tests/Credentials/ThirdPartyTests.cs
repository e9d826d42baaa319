using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>A user's account at a third party: connected, used, renewed, denied, widened, disconnected.</summary>
public sealed class ThirdPartyTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    [Fact]
    public async Task Account_ConnectedCalledWidenedAndDisconnected()
    {
        await ThirdParty.TellAsync(new { reset = true, ttl = 3600, account = "alice", decline = false });
        var server = await MakeAsync("third party");
        using var mcp = Cluster.Connect(server);

        // not connected: no header and no status of the third party comes through, but a link
        var asked = await mcp.CallAsync("initialize", Initialize(url: false));
        Assert.Equal(200, asked.Status);
        var link = asked.Error!["data"]!["url"]!.GetValue<string>();
        Assert.Equal($"{Cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/oauth/mcp/connect/{server.Id}", link);
        Assert.Contains(link, asked.Error["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(-32000, asked.Error["code"]!.GetValue<int>());
        var promised = await mcp.CallAsync("initialize", Initialize(url: true));
        Assert.Contains(link, promised.Result!["instructions"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.True((await GetAsync($"/api/mcp-servers/{server.Id}/oauth"))["required"]!.GetValue<bool>());

        using var owner = await Visitor.OwnerAsync(Cluster);
        await ConnectAsync(owner, server);
        var view = await GetAsync($"/api/mcp-servers/{server.Id}/oauth");
        Assert.True(view["connected"]!.GetValue<bool>());
        Assert.Equal(ThirdParty.Issuer, view["issuer"]!.GetValue<string>());

        var who = await Eventually.ReadAsync(server.Id, "calls with the token", TimeSpan.FromSeconds(10), () => mcp.ToolAsync("whoami"), answer => answer.Result is not null);
        Assert.Contains("\"account\":\"alice\"", who.Text, StringComparison.Ordinal);

        // more than was granted: the union is asked for, and the call works then
        var narrow = await mcp.ToolAsync("write");
        Assert.Contains("write", narrow.Error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(link, narrow.Error["data"]!["url"]!.GetValue<string>());
        await ConnectAsync(owner, server);
        var wide = await Eventually.ReadAsync(server.Id, "may write", TimeSpan.FromSeconds(10), () => mcp.ToolAsync("write"), answer => answer.Result is not null);
        Assert.Contains("read", wide.Text, StringComparison.Ordinal);
        Assert.Contains("write", wide.Text, StringComparison.Ordinal);

        using (var gone = await Cluster.SendAsync(HttpMethod.Delete, $"/api/mcp-servers/{server.Id}/oauth"))
        {
            Assert.Equal(204, (int)gone.StatusCode);
        }

        var after = await Eventually.ReadAsync(server.Id, "forgot the token", TimeSpan.FromSeconds(10), () => mcp.ToolAsync("whoami"), answer => answer.Error is not null);
        Assert.Equal(link, after.Error!["data"]!["url"]!.GetValue<string>());
        var seen = await ThirdParty.SeenAsync();
        Assert.True(seen.Revocations > 0, "the third party was not told");
        Assert.Equal(1, seen.Registrations);
        Assert.Empty(seen.Foreign);
        await Cluster.DeleteAsync(server.Id);
    }

    /// <summary>The figure of the promise: one refresh for everybody, on whichever silo they ask.</summary>
    [Fact]
    public async Task HundredCallers_ExpiredToken_OneRefresh()
    {
        const int callers = 100;
        await ThirdParty.TellAsync(new { ttl = 4 });
        var server = await MakeAsync("expiring");
        using var owner = await Visitor.OwnerAsync(Cluster);
        await ConnectAsync(owner, server);
        McpHttp[] silos = [Cluster.Connect(server, 0), Cluster.Connect(server, 1)];
        Assert.Contains("alice", (await silos[0].ToolAsync("whoami")).Text, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        var before = await ThirdParty.TellAsync(new { reset = true, ttl = 3600, refreshDelay = 500 });

        var answers = await Task.WhenAll(Enumerable.Range(0, callers).Select(i => silos[i % 2].ToolAsync("whoami")));
        var seen = await ThirdParty.TellAsync(new { refreshDelay = 0 });
        Output.WriteLine($"{callers} concurrent calls with an expired token over two silos: {seen.RefreshRequests} refresh (bound 1), {seen.Denied} denials seen by the server, {answers.Count(answer => answer.Result is not null)} answered");
        Assert.Equal(1, seen.RefreshRequests);
        Assert.All(answers, answer => Assert.Contains("alice", answer.Text, StringComparison.Ordinal));
        Assert.True(before.Refreshes <= 2, $"{before.Refreshes} refreshes before");
        Array.ForEach(silos, silo => silo.Dispose());
        await Cluster.DeleteAsync(server.Id);
    }

    private static JsonObject Initialize(bool url) => new()
    {
        ["protocolVersion"] = McpHttp.Legacy,
        ["capabilities"] = url ? new JsonObject { ["elicitation"] = new JsonObject { ["url"] = new JsonObject() } } : [],
        ["clientInfo"] = new JsonObject { ["name"] = "obot-tests-raw", ["version"] = "1.0.0" },
    };
}
