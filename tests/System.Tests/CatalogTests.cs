using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Catalogs through the management API, and what people reach by them through both silos.</summary>
public sealed class CatalogTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan InForce = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Entry_OfASingleUserServer_GivesEachCallerAnInstanceOnFirstUse()
    {
        using var folder = new Scratch("catalog");
        await File.WriteAllTextAsync(Path.Combine(folder.Folder, "echo.yaml"), await EntryYamlAsync("catalog echo", "singleUser"), Cancellation);
        await File.WriteAllTextAsync(Path.Combine(folder.Folder, "bad.yaml"), "name: bad\nruntime: npx\nnpxConfig:\n  package: ''\n", Cancellation);
        var catalog = await PostAsync("/api/mcp-catalogs", new { displayName = "tests", sourceURLs = new[] { folder.Folder } }, HttpStatusCode.Created);
        Assert.Equal(1, catalog["entryCount"]!.GetValue<int>());
        var error = Assert.Single(catalog["errors"]!.AsArray())!;
        Assert.Equal(("bad.yaml", 4, "npxConfig.package"), (error["file"]!.GetValue<string>(), error["line"]!.GetValue<int>(), error["field"]!.GetValue<string>()));
        var catalogId = catalog["id"]!.GetValue<string>();

        var entry = Assert.Single((await GetAsync($"/api/mcp-catalog-entries?catalogID={catalogId}"))["items"]!.AsArray())!;
        var entryId = entry["id"]!.GetValue<string>();
        Assert.Equal($"{Cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/mcp-connect/{entryId}", entry["connectURL"]!.GetValue<string>());

        // nobody but its owner may call it without a rule, and nobody else sees it
        var (ann, bob) = (await People.AddAsync(Cluster, "Basic"), await People.AddAsync(Cluster, "Basic"));
        using (var asAnn = Rules.As(Cluster, ann))
        {
            Assert.Equal(HttpStatusCode.NotFound, (await asAnn.GetAsync(new Uri($"/api/mcp-catalog-entries/{entryId}", UriKind.Relative), Cancellation)).StatusCode);
            Assert.Equal(HttpStatusCode.BadRequest, (await asAnn.PostAsJsonAsync("/api/mcp-servers", new { catalogEntryID = entryId }, Cancellation)).StatusCode);
        }

        await EventuallyAsync(entryId, ann, 403);
        var rule = await Rules.AddAsync(Cluster, [Rules.User(ann)], [new { type = "mcpServerCatalogEntry", id = entryId }]);
        await EventuallyAsync(entryId, ann, 200);
        await EventuallyAsync(entryId, bob, 403);
        var everyone = await Rules.AddAsync(Cluster, [Rules.User(bob)], [new { type = "mcpCatalog", id = catalogId }], "echo");
        await EventuallyAsync(entryId, bob, 200);

        // one server, an instance for each of them, the same through the other silo and by the server's own id
        using var annHttp = Rules.As(Cluster, ann);
        var made = JsonNode.Parse(await (await annHttp.PostAsJsonAsync("/api/mcp-servers", new { catalogEntryID = entryId }, Cancellation)).Content.ReadAsStringAsync(Cancellation))!;
        Output.WriteLine(made.ToJsonString());
        var server = Adopt(new McpServer(made["id"]!.GetValue<string>(), null, null, null));
        Assert.Equal((entryId, "Running"), (made["catalogEntryID"]!.GetValue<string>(), made["deploymentStatus"]!.GetValue<string>()));
        using (var other = new McpHttp(new Uri(Cluster.Urls[1], $"/mcp-connect/{server.Id}"), ann.Key))
        {
            Assert.Equal(200, (await other.ToolAsync("echo", cancellationToken: Cancellation)).Status);
        }

        Assert.Equal(HttpStatusCode.Forbidden, (await annHttp.DeleteAsync(new Uri($"/api/mcp-servers/{server.Id}", UriKind.Relative), Cancellation)).StatusCode);
        await Rules.DeleteAsync(Cluster, rule);
        await EventuallyAsync(entryId, ann, 403);

        // the entry changes: the difference is shown and applied
        await File.WriteAllTextAsync(Path.Combine(folder.Folder, "echo.yaml"), (await EntryYamlAsync("catalog echo", "singleUser")).Replace("made by a test", "changed", StringComparison.Ordinal), Cancellation);
        Assert.Equal(1, (await PostAsync($"/api/mcp-catalogs/{catalogId}/refresh", null, HttpStatusCode.OK))["lastSync"]!["changed"]!.GetValue<int>());
        var drift = await GetAsync($"/api/mcp-servers/{server.Id}/drift");
        Assert.True(drift["needsUpdate"]!.GetValue<bool>());
        Assert.Equal(("shortDescription", "changed"), (drift["fields"]![0]!["field"]!.GetValue<string>(), drift["fields"]![0]!["entry"]!.GetValue<string>()));
        Assert.Equal("changed", (await PostAsync($"/api/mcp-servers/{server.Id}/apply-entry", null, HttpStatusCode.OK))["manifest"]!["shortDescription"]!.GetValue<string>());
        Assert.False((await GetAsync($"/api/mcp-servers/{server.Id}/drift"))["needsUpdate"]!.GetValue<bool>());

        // the source goes: what runs goes on, marked
        File.Delete(Path.Combine(folder.Folder, "echo.yaml"));
        Assert.Equal(1, (await PostAsync($"/api/mcp-catalogs/{catalogId}/refresh", null, HttpStatusCode.OK))["removedEntryCount"]!.GetValue<int>());
        Assert.True((await GetAsync($"/api/mcp-catalog-entries/{entryId}"))["removed"]!.GetValue<bool>());
        await EventuallyAsync(entryId, bob, 200);
        await Rules.DeleteAsync(Cluster, everyone);
        await Cluster.SendAsync(HttpMethod.Delete, $"/api/mcp-catalogs/{catalogId}");
    }

    [Fact]
    public async Task Entry_OfASharedServer_IsMadeOnceWhenAHundredAskForItFirst()
    {
        var yaml = await EntryYamlAsync("catalog shared", "multiUser");
        using var folder = new Scratch("catalog");
        await File.WriteAllTextAsync(Path.Combine(folder.Folder, "shared.yaml"), yaml, Cancellation);
        var catalogId = (await PostAsync("/api/mcp-catalogs", new { sourceURLs = new[] { folder.Folder } }, HttpStatusCode.Created))["id"]!.GetValue<string>();
        var entryId = (await GetAsync($"/api/mcp-catalog-entries?catalogID={catalogId}"))["items"]![0]!["id"]!.GetValue<string>();
        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using var client = new McpHttp(new Uri(Cluster.Urls[i % 2], $"/mcp-connect/{entryId}"), Cluster.Token);
            return (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status;
        }));
        Assert.All(answers, status => Assert.Equal(200, status));
        var server = (await GetAsync($"/api/mcp-catalog-entries/{entryId}"))["mcpServerID"]!.GetValue<string>();
        Adopt(new McpServer(server, null, null, null));
        Assert.Equal(1, (await Cluster.DetailsAsync(server)).Generation);
        await Cluster.SendAsync(HttpMethod.Delete, $"/api/mcp-catalogs/{catalogId}");
    }

    private async Task EventuallyAsync(string entryId, Person person, int status)
    {
        using var client = new McpHttp(new Uri(Cluster.Urls[0], $"/mcp-connect/{entryId}"), person.Key);
        await Eventually.ReadAsync($"{person.Id} at {entryId}", $"{status}", InForce, async () => (await client.ToolAsync("echo", cancellationToken: Cancellation)).Status, seen => seen == status);
    }

    private static async Task<string> EntryYamlAsync(string name, string userType)
    {
        var manifest = JsonSerializer.SerializeToNode(await Manifests.StdioFixtureAsync(name))!;
        manifest["serverUserType"] = userType;

        // JSON is YAML
        return manifest.ToJsonString();
    }

    private async Task<JsonNode> GetAsync(string path)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Get, path);
        var body = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, body);
        return JsonNode.Parse(body)!;
    }

    private async Task<JsonNode> PostAsync(string path, object? body, HttpStatusCode expected)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Post, path, body);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == expected, text);
        return JsonNode.Parse(text)!;
    }
}
