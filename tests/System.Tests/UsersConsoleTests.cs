using System.Net.Http.Json;
using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Users, groups and service accounts in a real browser. Screenshots stay in the test output.</summary>
public sealed class UsersConsoleTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    [Fact]
    public async Task Console_OfAnAdministrator_ManagesWhatABasicUserNeverSees()
    {
        await Npm.EnsureInstalledAsync();
        await using var cluster = await ObotCluster.StartAsync();
        var id = await ReadAsync(cluster, "/api/service-accounts", new { name = "basic one" }, "id");
        var key = await ReadAsync(cluster, $"/api/service-accounts/{id}/api-keys", new { name = "k", scopes = new[] { "api" } }, "key");
        await cluster.CreateServerAsync(Manifests.Remote("wiki", new Uri("https://mcp.example.com/mcp")));
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "console")).FullName;
        var run = await ProcessRunner.RunAsync("node", [Path.Combine(Repository.Root, "tests", "clients", "users.mjs"), cluster.Printed["sign-in"], key, pictures], Limit);
        output.WriteLine($"{run.Output}\nscreenshots: {pictures}\n{(run.ExitCode == 0 ? "" : cluster.LogTail())}");

        var result = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal(0, run.ExitCode);
        Assert.Empty(result.GetProperty("problems").EnumerateArray());
        Assert.Empty(result.GetProperty("tooWide").EnumerateArray());
        Assert.True(result.GetProperty("key").GetBoolean());
        Assert.True(result.GetProperty("passwordLink").GetBoolean());
        Assert.True(result.GetProperty("laterLink").GetBoolean());
        Assert.Equal("wiki", result.GetProperty("boundTo").GetString());
        Assert.Equal(["API keys", "Catalog", "Servers"], result.GetProperty("entriesOfBasic").EnumerateArray().Select(entry => entry.GetString()).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(4, result.GetProperty("refused").GetArrayLength());
    }

    private static async Task<string> ReadAsync(ObotCluster cluster, string path, object body, string field)
    {
        using var response = await cluster.Http.PostAsJsonAsync(path, body);
        response.EnsureSuccessStatusCode();
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty(field).GetString()!;
    }
}
