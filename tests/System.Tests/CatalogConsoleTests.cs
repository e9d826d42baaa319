using System.Net.Http.Json;
using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Catalog, import, changes and exports in a real browser. Screenshots stay in the test output.</summary>
public sealed class CatalogConsoleTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const string Icon = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Console_OfTheCatalog_IsUsedFromSourceToConnection_AndAsksNoStranger()
    {
        await Npm.EnsureInstalledAsync();
        using var folder = new Scratch("catalog");
        await WriteAsync("weather.yaml", $"name: Weather\nshortDescription: Forecasts and storms\nicon: {Icon}\nmetadata: {{categories: 'Data, Public'}}\nruntime: npx\nnpxConfig: {{package: weather}}\nenv:\n  - {{key: API_KEY, required: true, sensitive: true}}\nextra: field\n");
        await WriteAsync("tracker.yaml", "name: Tracker\nicon: https://tracker.example.com/pixel.png\nruntime: remote\nremoteConfig: {fixedURL: 'https://mcp.example.com/mcp'}\n");
        await WriteAsync("broken.yaml", "name: Broken\nruntime: npx\nnpxConfig:\n  package: ''\n");
        await WriteAsync("echo.yaml", JsonSerializer.Serialize(await Manifests.StdioFixtureAsync("Echo")));

        using var made = await Cluster.Http.PostAsJsonAsync("/api/sign-in-codes", new { }, Cancellation);
        var link = (await made.Content.ReadFromJsonAsync<JsonElement>(Cancellation)).GetProperty("url").GetString()!;
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "console")).FullName;
        var run = await ProcessRunner.RunAsync("node", [Path.Combine(Repository.Clients, "catalog.mjs"), link, folder.Folder, pictures], Limit);
        Output.WriteLine($"{run.Output}\nscreenshots: {pictures}");
        try
        {
            var result = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
            Assert.Equal(0, run.ExitCode);
            Assert.Empty(result.GetProperty("foreign").EnumerateArray());
            Assert.Empty(result.GetProperty("tooWide").EnumerateArray());
            Assert.Empty(result.GetProperty("problems").EnumerateArray());
            Assert.Equal(1, result.GetProperty("icon").GetInt32());
            Assert.Equal("Weather", result.GetProperty("found")[0].GetString());
            Assert.InRange(result.GetProperty("history").GetInt32(), 1, 100);
            Assert.StartsWith("vscode:mcp/install?", result.GetProperty("vscode").GetString(), StringComparison.Ordinal);
        }
        finally
        {
            await CleanAsync();
        }

        Task WriteAsync(string name, string text) => File.WriteAllTextAsync(Path.Combine(folder.Folder, name), text, Cancellation);
    }

    private async Task CleanAsync()
    {
        var entries = await Cluster.Http.GetFromJsonAsync<JsonElement>("/api/mcp-catalog-entries?limit=500&includeRemoved=true", Cancellation);
        foreach (var entry in entries.GetProperty("items").EnumerateArray())
        {
            if (entry.TryGetProperty("mcpServerID", out var server))
            {
                await Cluster.DeleteAsync(server.GetString()!);
            }

            if (entry.GetProperty("editable").GetBoolean())
            {
                (await Cluster.SendAsync(HttpMethod.Delete, $"/api/mcp-catalog-entries/{entry.GetProperty("id").GetString()}")).Dispose();
            }
        }

        var catalogs = await Cluster.Http.GetFromJsonAsync<JsonElement>("/api/mcp-catalogs", Cancellation);
        foreach (var id in catalogs.GetProperty("items").EnumerateArray().Select(catalog => catalog.GetProperty("id").GetString()).Where(id => id != "default"))
        {
            (await Cluster.SendAsync(HttpMethod.Delete, $"/api/mcp-catalogs/{id}")).Dispose();
        }
    }
}
