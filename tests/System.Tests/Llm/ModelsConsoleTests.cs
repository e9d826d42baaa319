using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>Providers, policies and budgets of models in a real browser. Screenshots stay in the test output.</summary>
public sealed class ModelsConsoleTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Console_OfAnAdministrator_SetsUpModels()
    {
        await using var rig = await LlmRig.StartAsync(Cluster, allow: false);
        var prefix = $"{rig.Prefix}-ui";
        rig.Adopt($"/api/model-providers/{prefix}");
        using var made = await Cluster.Http.PostAsJsonAsync("/api/sign-in-codes", new { });
        var link = JsonNode.Parse(await made.EnsureSuccessStatusCode().Content.ReadAsStringAsync())!["url"]!.GetValue<string>();
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "console")).FullName;
        var run = await Npm.ScriptAsync("models.mjs", [link, rig.Upstream.OpenAiUrl, ScriptedProvider.Key, prefix, pictures], TimeSpan.FromMinutes(2));
        Output.WriteLine($"{run.Output}\nscreenshots: {pictures}");
        foreach (var list in new[] { "model-access-policies", "message-policies", "llm-budgets" })
        {
            using var all = await Cluster.SendAsync(HttpMethod.Get, $"/api/{list}");
            foreach (var item in JsonNode.Parse(await all.Content.ReadAsStringAsync())!["items"]!.AsArray().Where(item => item!["displayName"]!.GetValue<string>().StartsWith(prefix, StringComparison.Ordinal)))
            {
                rig.Adopt($"/api/{list}/{item!["id"]}");
            }
        }

        var result = JsonNode.Parse(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.Empty(result["problems"]!.AsArray());
        Assert.True(result["done"]!.GetValue<bool>());
        Assert.False(result["secretShown"]!.GetValue<bool>());
    }
}
