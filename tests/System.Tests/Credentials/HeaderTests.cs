using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>Headers of the manifest: static ones, and values that each user supplies.</summary>
public sealed class HeaderTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private static readonly TimeSpan Promise = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Headers_AreEachUsersOwn_WriteOnlyAndTakenBack()
    {
        await using var upstream = await MetadataServer.StartAsync();
        var server = await Cluster.CreateServerAsync(new
        {
            name = "headers",
            runtime = "remote",
            remoteConfig = new
            {
                fixedURL = upstream.Url.ToString(),
                headers = new object[]
                {
                    new { key = "X-Api-Key", name = "API key", required = true, sensitive = true, prefix = "Key " },
                    new { key = "X-Region", options = new[] { "eu", "us" } },
                    new { key = "X-Tenant", value = "PLANTED-static", sensitive = true },
                },
            },
        });
        var made = await GetAsync($"/api/mcp-servers/{server.Id}");
        Assert.False(made["configured"]!.GetValue<bool>());
        Assert.Equal("X-Api-Key", made["missingRequiredEnvVars"]![0]!.GetValue<string>());
        using var mcp = Cluster.Connect(server);
        var asked = (await mcp.ToolAsync("any")).Error!;
        Assert.Contains("X-Api-Key", asked["message"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.EndsWith($"/admin/servers/{server.Id}", asked["data"]!["url"]!.GetValue<string>(), StringComparison.Ordinal);

        Assert.Equal(400, await ConfigureAsync(server, new() { ["X-Region"] = "moon" }));
        Assert.Equal(400, await ConfigureAsync(server, new() { ["X-Tenant"] = "mine" }));
        Assert.Equal(200, await ConfigureAsync(server, new() { ["X-Api-Key"] = "PLANTED-owner", ["X-Region"] = "eu" }));
        var seen = await EventuallyAsync(mcp, answer => answer.Result is not null);
        Assert.Equal(("Key PLANTED-owner", "eu", "PLANTED-static"), (Of(seen, "X-Api-Key"), Of(seen, "X-Region"), Of(seen, "X-Tenant")));

        // what a client sends under the same name is not what arrives, and nothing of ours does
        using var forged = mcp.LegacyRequest("tools/call", new JsonObject { ["name"] = "any", ["arguments"] = new JsonObject() });
        forged.Headers.Add("X-Api-Key", "forged");
        var honest = await mcp.SendAsync(forged);
        Assert.Equal("Key PLANTED-owner", Of(honest, "X-Api-Key"));
        Assert.DoesNotContain("Obot-", honest.Text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(Cluster.Token, honest.Text, StringComparison.Ordinal);

        // somebody else has nothing of it
        var bob = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(bob)], [Rules.Server(server)]);
        using var other = new McpHttp(Cluster.Endpoint(server, 1), bob.Key);
        var theirs = await EventuallyAsync(other, answer => answer.Error?["data"] is not null);
        Assert.Contains("X-Api-Key", theirs.Error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        using (var api = Rules.As(Cluster, bob))
        using (var set = await api.PostAsJsonAsync($"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string> { ["X-Api-Key"] = "PLANTED-bob" }))
        {
            Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync());
        }

        Assert.Equal("Key PLANTED-bob", Of(await EventuallyAsync(other, answer => answer.Result is not null), "X-Api-Key"));
        Assert.Equal("Key PLANTED-owner", Of(await mcp.ToolAsync("any"), "X-Api-Key"));

        // write-only: only reveal tells, and the audit log tells of it
        Assert.DoesNotContain("PLANTED", (await GetAsync($"/api/mcp-servers/{server.Id}")).ToJsonString(), StringComparison.Ordinal);
        using (var revealed = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/reveal"))
        {
            var values = JsonNode.Parse(await revealed.Content.ReadAsStringAsync())!;
            Assert.Equal("PLANTED-owner", values["X-Api-Key"]!.GetValue<string>());
        }

        var entry = await Eventually.ReadAsync("audit log", "has the revelation", Promise, () => GetAsync($"/api/mcp-audit-logs?mcpServerID={server.Id}&method=obot%2Fmcp-server%2Freveal"), page => page["items"]!.AsArray().Count > 0);
        Assert.Equal("X-Api-Key, X-Region", entry["items"]![0]!["identifier"]!.GetValue<string>());

        // a value that the server does not take is asked for again
        upstream.Wants = ("X-Api-Key", "Key better");
        var refused = (await mcp.ToolAsync("any")).Error!;
        Assert.DoesNotContain("of the server", refused.ToJsonString(), StringComparison.Ordinal);
        upstream.Wants = null;

        using (var gone = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/deconfigure"))
        {
            Assert.Equal(200, (int)gone.StatusCode);
        }

        await EventuallyAsync(mcp, answer => answer.Error?["data"]?["url"] is not null);
        Assert.Equal("Key PLANTED-bob", Of(await other.ToolAsync("any"), "X-Api-Key"));
        await Rules.DeleteAsync(Cluster, rule);
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task SharedServer_UserDefinedHeaders_AreOwnAndTheOthersShared()
    {
        await using var upstream = await MetadataServer.StartAsync();
        var server = await Cluster.CreateServerAsync(new
        {
            name = "shared headers",
            serverUserType = "multiUser",
            runtime = "remote",
            remoteConfig = new { fixedURL = upstream.Url.ToString(), headers = new object[] { new { key = "X-Team", required = true } } },
            multiUserConfig = new { userDefinedHeaders = new object[] { new { key = "Authorization", required = true, sensitive = true, prefix = "Bearer " } } },
        });
        Assert.Equal(200, await ConfigureAsync(server, new() { ["X-Team"] = "red", ["Authorization"] = "PLANTED-owner-token" }));
        var bob = await People.AddAsync(Cluster, "Basic");
        var rule = await Rules.AddAsync(Cluster, [Rules.User(bob)], [Rules.Server(server)]);
        using var mcp = Cluster.Connect(server);
        var mine = await EventuallyAsync(mcp, answer => answer.Result is not null);
        Assert.Equal(("red", "Bearer PLANTED-owner-token"), (Of(mine, "X-Team"), Of(mine, "Authorization")));

        using var api = Rules.As(Cluster, bob);
        using (var theirs = await api.PostAsJsonAsync($"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string> { ["X-Team"] = "blue" }))
        {
            Assert.Equal(403, (int)theirs.StatusCode);
        }

        using (var own = await api.PostAsJsonAsync($"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string> { ["Authorization"] = "PLANTED-bob-token" }))
        {
            Assert.True(own.IsSuccessStatusCode, await own.Content.ReadAsStringAsync());
        }

        using var other = new McpHttp(Cluster.Endpoint(server), bob.Key);
        var his = await EventuallyAsync(other, answer => answer.Result is not null);
        Assert.Equal(("red", "Bearer PLANTED-bob-token"), (Of(his, "X-Team"), Of(his, "Authorization")));
        using (var revealed = await api.PostAsync(new Uri($"/api/mcp-servers/{server.Id}/reveal", UriKind.Relative), null))
        {
            var values = await revealed.Content.ReadAsStringAsync();
            Assert.Contains("PLANTED-bob-token", values, StringComparison.Ordinal);
            Assert.DoesNotContain("red", values, StringComparison.Ordinal);
        }

        await Rules.DeleteAsync(Cluster, rule);
        await Cluster.DeleteAsync(server.Id);
    }

    private async Task<int> ConfigureAsync(McpServer server, Dictionary<string, string> values)
    {
        using var answer = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/configure", values);
        return (int)answer.StatusCode;
    }

    private static string? Of(McpAnswer answer, string header) => JsonNode.Parse(answer.Text)![header]?.GetValue<string>();

    private static Task<McpAnswer> EventuallyAsync(McpHttp mcp, Func<McpAnswer, bool> good) =>
        Eventually.ReadAsync(mcp.Url.AbsolutePath, "answers as configured", Promise, () => mcp.ToolAsync("any"), good);
}
