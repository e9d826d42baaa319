using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>A page of MCP Apps in a tool's card, in Chromium: it is told its call, and gets nowhere else.</summary>
public sealed class AppPageTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Page_InItsFrame_SpeaksWithItsHost_AndGetsNowhere()
    {
        await Npm.EnsureInstalledAsync();
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("app pages"));
        using var code = await Cluster.SendAsync(HttpMethod.Post, "/api/sign-in-codes");
        var signIn = JsonDocument.Parse(await code.Content.ReadAsStringAsync()).RootElement.GetProperty("url").GetString()!;
        var shots = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "apps"));
        var told = (await Npm.ScriptAsync("apps.mjs", [signIn, Cluster.Token, server.Id, shots.FullName], TimeSpan.FromMinutes(3))).Checked().Output;
        Output.WriteLine($"{told}\nscreenshots in artifacts/test/apps");
        var result = JsonDocument.Parse(told.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement;
        string Seen(string name) => result.GetProperty("seen").GetProperty(name).ToString();

        Assert.Equal(0, result.GetProperty("before").GetInt32());
        Assert.Contains("12:00", result.GetProperty("time").GetString(), StringComparison.Ordinal);
        Assert.Equal("2025-11-21", Seen("version"));
        Assert.Equal(640, result.GetProperty("height").GetInt32());
        Assert.Equal(("error -32601", "error -32601"), (Seen("tool"), Seen("prototype")));
        Assert.Equal(("error -32602", "error -32000"), (Seen("script"), Seen("link")));
        Assert.Equal("null", Seen("origin"));
        Assert.Equal(("refused: SecurityError", "refused: SecurityError", "refused: SecurityError"), (Seen("parent"), Seen("cookie"), Seen("storage")));
        Assert.Equal(("refused: TypeError", "refused: TypeError"), (Seen("fetch"), Seen("api")));
        Assert.Equal("refused: EvalError", Seen("eval"));
        Assert.Contains("docs.example.org", result.GetProperty("asked").GetString(), StringComparison.Ordinal);
        Assert.Contains("sandbox allow-scripts", result.GetProperty("policy").GetString(), StringComparison.Ordinal);
        Assert.True(result.GetProperty("stayed").GetBoolean(), "the page took its host elsewhere");
        Assert.Equal("null", result.GetProperty("alone").GetString());
        Assert.Equal(JsonValueKind.Null, result.GetProperty("hacked").ValueKind);
        Assert.Equal(0, result.GetProperty("phoneOverflow").GetInt32());
        Assert.Empty(result.GetProperty("beacons").EnumerateArray());
    }
}
