using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>Clients that open links: a call asks for what is missing, a person connects in a real browser, the call goes on. Both eras.</summary>
public sealed class LinkTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task Call_WithoutAnAccount_AsksOnceAndGoesOn_InBothEras()
    {
        await using var thirdParty = await Credentials.ThirdParty.StartAsync(dev: true);
        var server = await Cluster.CreateServerAsync(new { name = "by a link", serverUserType = "multiUser", runtime = "remote", eraBridge = true, remoteConfig = new { fixedURL = thirdParty.Server.ToString() } });
        using var made = await Cluster.Http.PostAsJsonAsync("/api/sign-in-codes", new { }, TestContext.Current.CancellationToken);
        var signIn = JsonNode.Parse(await made.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["url"]!.GetValue<string>();
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "links")).FullName;
        var clock = Stopwatch.StartNew();
        var run = await Npm.ScriptAsync("links.mjs", [signIn, Cluster.Endpoint(server).ToString(), Cluster.Token, pictures], Limit);
        Output.WriteLine($"{run.Output.Trim()}\n{clock.Elapsed.TotalSeconds:0} s; screenshots: {pictures}");
        var said = JsonNode.Parse(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1])!;
        Assert.Null(said["error"]);
        var link = $"{Cluster.Urls[0].GetLeftPart(UriPartial.Authority)}/oauth/mcp/connect/{server.Id}";
        Assert.All(said["asked"]!.AsArray(), asked => Assert.Equal(("url", link), (asked!["mode"]!.GetValue<string>(), asked["url"]!.GetValue<string>())));

        // legacy: asked once by two calls at once, again for more scopes, and not at all after a no
        Assert.All(said["legacyDeclined"]!.AsArray(), words => Assert.Contains(link, words!.GetValue<string>(), StringComparison.Ordinal));
        Assert.Equal(1, said["askedWhenDeclined"]!.GetValue<int>());
        Assert.Equal(2, said["legacy"]!["asked"]!.GetValue<int>());
        Assert.Contains("dora", said["legacy"]!["who"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("write", said["legacy"]!["wide"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(["whoami", "write", "echo"], said["legacy"]!["tools"]!.AsArray().Select(name => name!.GetValue<string>()));

        // modern: input_required, and the same call again
        Assert.Contains("dora", said["modern"]!["who"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("not opened", said["modernDeclined"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Equal(5, said["asked"]!.AsArray().Count);
        Assert.Equal(3, said["pages"]!.AsArray().Count);
        Assert.Empty((await thirdParty.SeenAsync()).Foreign);
        await Cluster.DeleteAsync(server.Id);
    }
}
