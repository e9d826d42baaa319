using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>The chat in a real browser, over two silos, from the first visit on. Screenshots stay in the test output.</summary>
public sealed class ChatPageTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(7);

    [Fact]
    public async Task Chat_FromTheFirstVisitOn_AnswersCallsToolsAndLetsNothingOut()
    {
        await Npm.EnsureInstalledAsync();
        await using var cluster = await ObotCluster.StartAsync(2);
        var server = await cluster.CreateServerAsync(Manifests.Npx("everything", Manifests.Everything));
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "chat")).FullName;
        var run = await Npm.ScriptAsync("chat.mjs", [cluster.Printed["sign-in"], cluster.Urls[1].GetLeftPart(UriPartial.Authority), cluster.Token, server.Id, pictures], Limit);
        output.WriteLine($"{run.Output}\nscreenshots: {pictures}\n{(run.ExitCode == 0 ? "" : cluster.LogTail())}");

        var seen = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal("/admin/models", seen.GetProperty("noModelLink").GetString());
        Assert.True(seen.GetProperty("grewAfterReload").GetBoolean(), "words were lost by the reload");
        Assert.True(seen.GetProperty("sameInBoth").GetBoolean(), "the second browser shows something else");
        Assert.Equal(3, seen.GetProperty("math").GetInt32());
        Assert.True(seen.GetProperty("follows").GetBoolean(), "the page does not follow the answer");
        Assert.True(seen.GetProperty("staysWhereRead").GetBoolean(), "the page took the reader away");
        Assert.Equal("a draft that is not sent", seen.GetProperty("draft").GetString());
        Assert.Equal(1, seen.GetProperty("keptWhenStopped").GetInt32());
        Assert.Contains("2/2", seen.GetProperty("branch").GetString(), StringComparison.Ordinal);
        Assert.Contains("Echo: hello from the tool", seen.GetProperty("toolShown").GetString(), StringComparison.Ordinal);
        Assert.Equal("data:image/png;base64,", seen.GetProperty("picture").GetString());
        Assert.Contains("Ann Example", seen.GetProperty("form").GetString(), StringComparison.Ordinal);
        Assert.Contains("I am a scripted model", seen.GetProperty("sampling").GetString(), StringComparison.Ordinal);
        Assert.True(seen.GetProperty("instructions").GetBoolean(), "the project's instructions did not reach the model");
        Assert.Equal(0, seen.GetProperty("phoneOverflow").GetInt32());
        Assert.Equal("1 server", seen.GetProperty("phoneTools").GetString()!.Trim());

        // what strangers wrote neither ran nor reached anybody
        Assert.Equal(JsonValueKind.Null, seen.GetProperty("hacked").ValueKind);
        Assert.Empty(seen.GetProperty("hostile").GetProperty("handlers").EnumerateArray());
        Assert.Empty(seen.GetProperty("dialogs").EnumerateArray());
        Assert.Empty(seen.GetProperty("foreign").EnumerateArray());
        Assert.Empty(seen.GetProperty("beacons").EnumerateArray());
        Assert.Empty(seen.GetProperty("problems").EnumerateArray());
    }
}
