using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>Tokens without a sign-in: the third party's authorization server takes an assertion of ours about the user.</summary>
public sealed class MachineGrantTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    [Theory]
    [InlineData("token_exchange", "urn:ietf:params:oauth:grant-type:token-exchange", "JWT")]
    [InlineData("identity_assertion", "urn:ietf:params:oauth:grant-type:jwt-bearer", "oauth-id-jag+jwt")]
    public async Task Assertion_BringsEachUserATokenOfTheirOwn(string grant, string grantType, string type)
    {
        await using var upstream = await ExchangingServer.StartAsync(Cluster.Urls[0]);
        var server = await Cluster.CreateServerAsync(new
        {
            name = grant, serverUserType = "multiUser", runtime = "remote", remoteConfig = new { fixedURL = upstream.Url.ToString(), staticOAuthRequired = true },
        });
        using var mcp = Cluster.Connect(server);
        Assert.NotNull((await mcp.ToolAsync("any")).Error);
        using (var wrong = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/oauth-credentials", new { clientID = "obot", clientSecret = "s", grant = "password" }))
        {
            Assert.Equal(400, (int)wrong.StatusCode);
        }

        using (var set = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/oauth-credentials", new { clientID = "obot", clientSecret = "s", grant }))
        {
            Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync());
        }

        var bob = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(bob)], [Rules.Server(server)]);
        using var other = new McpHttp(Cluster.Endpoint(server, 1), bob.Key);
        var limit = TimeSpan.FromSeconds(10);
        Assert.Equal("bootstrap", (await Eventually.ReadAsync(grant, "calls", limit, () => mcp.ToolAsync("any"), answer => answer.Result is not null)).Text);
        Assert.Equal(bob.Id, (await Eventually.ReadAsync(grant, "calls as another", limit, () => other.ToolAsync("any"), answer => answer.Result is not null)).Text);
        Assert.Equal("bootstrap", (await mcp.ToolAsync("any")).Text);
        Assert.Equal(2, upstream.Requests.Count);
        foreach (var (sent, typ, claims) in upstream.Requests)
        {
            Output.WriteLine($"{sent} {typ} {claims.ToJsonString()}");
            Assert.Equal((grantType, type), (sent, typ));
            Assert.Equal(upstream.Url.ToString(), claims["resource"]!.GetValue<string>());
            Assert.Equal("obot", claims["client_id"]!.GetValue<string>());
        }

        await Rules.DeleteAsync(Cluster, rule);
        await Cluster.DeleteAsync(server.Id);
    }
}
