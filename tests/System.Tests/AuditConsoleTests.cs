using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>Audit log and usage in a real browser. Screenshots stay in the test output.</summary>
public sealed class AuditConsoleTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Console_OfAnAdministrator_FindsACallAndShowsWhatServersDo()
    {
        await Npm.EnsureInstalledAsync();
        var name = $"shown {Guid.NewGuid():N}"[..14];
        var server = await MakeAsync(await Manifests.StdioFixtureAsync(name));
        using var client = Cluster.Connect(server);
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(200, (await client.ToolAsync("echo", cancellationToken: TestContext.Current.CancellationToken)).Status);
        }

        using var response = await Cluster.SendAsync(HttpMethod.Post, "/api/sign-in-codes");
        var signIn = JsonSerializer.Deserialize<JsonElement>(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).GetProperty("url").GetString()!;
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "console")).FullName;
        var run = await ProcessRunner.RunAsync("node", [Path.Combine(Repository.Root, "tests", "clients", "audit.mjs"), signIn, name, pictures], Limit);
        Output.WriteLine($"{run.Output}\nscreenshots: {pictures}");

        var result = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Empty(result.GetProperty("problems").EnumerateArray());
        Assert.Equal(0, run.ExitCode);
        Assert.True(result.GetProperty("rows").GetInt32() >= 5);
        Assert.True(result.GetProperty("rowsAgain").GetInt32() >= 5);
        Assert.True(result.GetProperty("bodiesHidden").GetBoolean());
        Assert.False(result.GetProperty("tooWide").GetBoolean());
    }
}
