using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>A guard that is older than its credential is good for.</summary>
[Collection(Alone.Name)]
public sealed class GuardCredentialTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Guard_OlderThanItsCredential_ExchangesAndAsksStill()
    {
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__Security__GuardCredentialLifetime", Lifetime.ToString("c")));
        await using var upstream = await MetadataServer.StartAsync();
        var server = await cluster.CreateServerAsync(new
        {
            name = "old guard",
            runtime = "remote",
            remoteConfig = new { fixedURL = upstream.Url.ToString(), headers = new object[] { new { key = "X-Api-Key", required = true, sensitive = true } } },
        });
        await ConfigureAsync(cluster, server, "first");
        using var mcp = cluster.Connect(server);
        Assert.Equal("first", await KeyAsync(mcp, "first"));
        var before = await cluster.DetailsAsync(server.Id);

        // nobody calls meanwhile: the guard has nothing to say but that it is there
        await Task.Delay(Lifetime + TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        // what was exchanged is forgotten with the change, so that the guard has to ask again, with its credential
        await ConfigureAsync(cluster, server, "second");
        Assert.Equal("second", await KeyAsync(mcp, "second"));
        var after = await cluster.DetailsAsync(server.Id);
        Assert.Equal(before.Generation, after.Generation);
        output.WriteLine($"generation {after.Generation} of {server.Id} outlived its first credential ({Lifetime.TotalSeconds:0} s)");
        await cluster.DeleteAsync(server.Id);
    }

    private static async Task ConfigureAsync(ObotCluster cluster, McpServer server, string value)
    {
        using var answer = await cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string> { ["X-Api-Key"] = value });
        Assert.Equal(200, (int)answer.StatusCode);
    }

    private static async Task<string?> KeyAsync(McpHttp mcp, string expected)
    {
        var answer = await Eventually.ReadAsync(mcp.Url.AbsolutePath, $"answers with {expected}", TimeSpan.FromSeconds(20), () => mcp.ToolAsync("any"), one => one.Result is not null && one.Text.Contains(expected, StringComparison.Ordinal));
        return JsonNode.Parse(answer.Text)!["X-Api-Key"]?.GetValue<string>();
    }
}
