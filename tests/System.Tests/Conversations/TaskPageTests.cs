using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>The pages of tasks in Chromium: empty, refused, made, run, listed, removed.</summary>
public sealed class TaskPageTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Tasks_AreMadeRunAndRemoved_OnTheirPages()
    {
        await Npm.EnsureInstalledAsync();
        using var code = await Cluster.SendAsync(HttpMethod.Post, "/api/sign-in-codes");
        var signIn = JsonDocument.Parse(await code.Content.ReadAsStringAsync()).RootElement.GetProperty("url").GetString()!;
        var shots = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "tasks"));
        var told = (await Npm.ScriptAsync("tasks.mjs", [signIn, Cluster.Token, shots.FullName], TimeSpan.FromMinutes(2))).Checked().Output;
        var result = JsonDocument.Parse(told[told.IndexOf('{', StringComparison.Ordinal)..]).RootElement;
        Output.WriteLine($"{result.GetProperty("steps")}; screenshots in artifacts/test/tasks");
        Assert.Empty(result.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()));
        Assert.Equal(["none", "refused", "run", "conversation", "deleted"], result.GetProperty("steps").EnumerateArray().Select(step => step.GetString()));
    }
}
