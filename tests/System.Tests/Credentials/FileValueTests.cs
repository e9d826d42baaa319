using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>Values that a server reads from a file: the variable holds its path, and a changed value is what the server reads next.</summary>
public sealed class FileValueTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData("file")]
    [InlineData("dynamicFile")]
    public async Task Value_OfAFile_IsReadByTheServer_AndAgainWhenItChanges(string kind)
    {
        var entry = new JsonObject { ["key"] = "MEMORY_FILE_PATH", ["required"] = true, ["sensitive"] = true, [kind] = true };
        var server = await Cluster.CreateServerAsync(Manifests.Npx($"memory of a {kind}", Manifests.Memory, [entry]));
        using var mcp = Cluster.Connect(server);
        Assert.Contains("MEMORY_FILE_PATH", (await mcp.ToolAsync("read_graph")).Error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var name in new[] { "first", "second" })
        {
            var memory = new JsonObject { ["type"] = "entity", ["name"] = $"PLANTED-{name}", ["entityType"] = "test", ["observations"] = new JsonArray() }.ToJsonString();
            using (var set = await Cluster.SendAsync(HttpMethod.Post, $"/api/mcp-servers/{server.Id}/configure", new Dictionary<string, string> { ["MEMORY_FILE_PATH"] = memory }))
            {
                Assert.True(set.IsSuccessStatusCode, await set.Content.ReadAsStringAsync());
            }

            using var fresh = Cluster.Connect(server, 1);
            var graph = await Eventually.ReadAsync(server.Id, $"remembers {name}", Limit, () => fresh.ToolAsync("read_graph"), answer => answer.Result is not null && answer.Text.Contains($"PLANTED-{name}", StringComparison.Ordinal));
            Assert.Equal(name == "second", !graph.Text.Contains("PLANTED-first", StringComparison.Ordinal));
        }

        await Cluster.DeleteAsync(server.Id);
    }
}
