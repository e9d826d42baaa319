using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>The MCP registry API with a real client, a real validator, and the calls that editors make.</summary>
public sealed class RegistryTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly string[] Runtimes = ["npx", "uvx", "containerized", "remote"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Registry_ReadWithoutSigningIn_ListsWhatEveryoneMayCall_AndAClientConnectsToIt()
    {
        using var folder = new Scratch("registry");
        await WriteEntriesAsync(folder, 60);
        var catalogId = (await PostAsync(Cluster, "/api/mcp-catalogs", new { sourceURLs = new[] { folder.Folder } }))["id"]!.GetValue<string>();
        var hidden = await MakeAsync(Manifests.Remote("hidden server", new Uri("https://mcp.example.com/hidden")));
        var shown = await MakeAsync(Manifests.Remote("Ünï/cøde server: with a “name” that is longer than a hundred characters and says the same thing again, and again, and again", new Uri("https://mcp.example.com/shown")));
        Assert.Empty((await RunAsync(Cluster))["titles"]!.AsArray());

        string[] rules =
        [
            await Rules.AddAsync(Cluster, [Rules.Everyone], [new { type = "mcpCatalog", id = catalogId }]),
            await Rules.AddAsync(Cluster, [Rules.Everyone], [Rules.Server(shown)]),
        ];
        var result = await RunAsync(Cluster, "--mcp-token", Cluster.Token, "--connect", "registry echo");
        Output.WriteLine(result.ToJsonString());
        Assert.Equal(62, result["titles"]!.AsArray().Count);
        Assert.DoesNotContain("hidden server", result["titles"]!.AsArray().Select(title => title!.GetValue<string>()));
        Assert.Contains("found in the registry", result["echo"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.All(result["names"]!.AsArray(), name => Assert.StartsWith("127.0.0.1/", name!.GetValue<string>(), StringComparison.Ordinal));
        Assert.Equal(2, result["pages"]!.GetValue<int>());
        foreach (var rule in rules)
        {
            await Rules.DeleteAsync(Cluster, rule);
        }

        Assert.NotEqual(hidden.Id, shown.Id);
        await RemoveAsync(Cluster, catalogId);
    }

    [Fact]
    public async Task Registry_ThatWantsASignIn_ListsWhatTheCallerMayCall()
    {
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__Registry__RequireAuthentication", "true"));
        using var folder = new Scratch("registry");
        await WriteEntriesAsync(folder, 3);
        var catalogId = (await PostAsync(cluster, "/api/mcp-catalogs", new { sourceURLs = new[] { folder.Folder } }))["id"]!.GetValue<string>();

        using var http = new HttpClient { BaseAddress = cluster.Urls[0] };
        using var refused = await http.GetAsync(new Uri("/v0.1/servers", UriKind.Relative), Cancellation);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        var challenge = Assert.Single(refused.Headers.WwwAuthenticate).ToString();
        Assert.Contains("scope=\"registry:read\"", challenge, StringComparison.Ordinal);
        var metadataUrl = challenge.Split("resource_metadata=\"")[1].Split('"')[0];
        var metadata = await http.GetFromJsonAsync<JsonElement>(metadataUrl, Cancellation);
        Assert.Equal($"{cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/v0.1", metadata.GetProperty("resource").GetString());
        Assert.Equal("registry:read", Assert.Single(metadata.GetProperty("scopes_supported").EnumerateArray()).GetString());

        var (ann, bob, admin) = (await People.AddAsync(cluster, "Basic", "g-one"), await People.AddAsync(cluster, "Basic"), await People.AddAsync(cluster, "Admin"));
        Assert.Equal(4, (await TitlesAsync(cluster, cluster.Token)).Count);
        Assert.Empty(await TitlesAsync(cluster, ann.Key));
        var entryId = (await cluster.Http.GetFromJsonAsync<JsonElement>($"/api/mcp-catalog-entries?catalogID={catalogId}&search=registry%20echo", Cancellation)).GetProperty("items")[0].GetProperty("id").GetString();
        await Rules.AddAsync(cluster, [Rules.Group("g-one")], [new { type = "mcpCatalog", id = catalogId }]);
        await Rules.AddAsync(cluster, [Rules.User(bob)], [new { type = "mcpServerCatalogEntry", id = entryId }]);
        Assert.Equal(4, (await TitlesAsync(cluster, ann.Key)).Count);
        Assert.Equal(["registry echo"], await TitlesAsync(cluster, bob.Key));
        Assert.Empty(await TitlesAsync(cluster, admin.Key));

        // a token of the authorization server for the registry and nothing else
        var token = await TokenAsync(cluster, metadata);
        Assert.Equal(4, (await TitlesAsync(cluster, token)).Count);
        using var mcp = new McpHttp(new Uri(cluster.Urls[0], $"/mcp-connect/{entryId}"), token);
        Assert.InRange((await mcp.ToolAsync("echo", cancellationToken: Cancellation)).Status, 401, 403);
        using var api = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Urls[0], "/api/mcp-servers")) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        Assert.Equal(HttpStatusCode.Forbidden, (await http.SendAsync(api, Cancellation)).StatusCode);
    }

    /// <summary>As an editor gets one: registration, code flow with a person who agrees.</summary>
    private static async Task<string> TokenAsync(ObotCluster cluster, JsonElement metadata)
    {
        using var person = await Visitor.OwnerAsync(cluster);
        using var client = await new OAuthClient(cluster.Urls[0]).RegisterAsync();
        var answer = await client.AuthorizeAsync(person, metadata.GetProperty("resource").GetString()!, ("scope", "registry:read"));
        return (await client.RedeemAsync(OAuthClient.Query(answer)["code"])).AccessToken;
    }

    private static async Task<IReadOnlyList<string>> TitlesAsync(ObotCluster cluster, string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Urls[0], "/v0.1/servers?limit=100")) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
        using var response = await cluster.Http.SendAsync(request, Cancellation);
        var body = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, body);
        return [.. JsonNode.Parse(body)!["servers"]!.AsArray().Select(one => one!["server"]!["title"]!.GetValue<string>())];
    }

    private async Task<JsonNode> RunAsync(ObotCluster cluster, params string[] arguments)
    {
        var run = await Npm.ScriptAsync("registry.mjs", [cluster.Urls[0].GetLeftPart(UriPartial.Authority), .. arguments], Limit);
        Assert.True(run.ExitCode == 0, run.ToString());
        return JsonNode.Parse(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
    }

    private static async Task WriteEntriesAsync(Scratch folder, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var runtime = Runtimes[i % Runtimes.Length];
            var block = runtime switch
            {
                "npx" => "npxConfig: {package: p}",
                "uvx" => "uvxConfig: {package: p}",
                "containerized" => "containerizedConfig: {image: i, port: 80}",
                _ => "remoteConfig: {fixedURL: 'https://mcp.example.com/mcp'}",
            };
            await File.WriteAllTextAsync(Path.Combine(folder.Folder, $"{i}.yaml"), $"name: Registry {i:00}\ndescription: '# Heading {i}'\nrepoURL: https://github.com/example/{i}\nruntime: {runtime}\n{block}\n", Cancellation);
        }

        var manifest = JsonSerializer.SerializeToNode(await Manifests.StdioFixtureAsync("registry echo"))!;
        await File.WriteAllTextAsync(Path.Combine(folder.Folder, "echo.yaml"), manifest.ToJsonString(), Cancellation);
    }

    private static async Task<JsonNode> PostAsync(ObotCluster cluster, string path, object body)
    {
        using var response = await cluster.SendAsync(HttpMethod.Post, path, body);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonNode.Parse(text)!;
    }

    /// <summary>With what was made from its entries.</summary>
    private static async Task RemoveAsync(ObotCluster cluster, string catalogId)
    {
        var entries = await cluster.Http.GetFromJsonAsync<JsonElement>($"/api/mcp-catalog-entries?limit=500&catalogID={catalogId}", Cancellation);
        foreach (var id in entries.GetProperty("items").EnumerateArray().Where(entry => entry.TryGetProperty("mcpServerID", out _)).Select(entry => entry.GetProperty("mcpServerID").GetString()!))
        {
            await cluster.DeleteAsync(id);
        }

        (await cluster.SendAsync(HttpMethod.Delete, $"/api/mcp-catalogs/{catalogId}")).Dispose();
    }
}
