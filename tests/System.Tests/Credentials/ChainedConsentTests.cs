using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.OAuth;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>A client's own sign-in goes on to the third party before it returns.</summary>
public sealed class ChainedConsentTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task TypeScriptClient_WithNothingButTheUrl_ComesBackWithTheAccountConnected()
    {
        await ThirdParty.TellAsync(new { ttl = 3600, account = "carol", decline = false });
        using var browser = await Browser.OpenAsync(Cluster);
        var server = await MakeAsync("chained");
        var result = await Npm.ScriptAsync("oauth.mjs", ["v2", Cluster.Endpoint(server).ToString()], Limit, browser.Environment);
        Output.WriteLine(result.Output.Trim());
        Assert.Equal("hello from carol", JsonNode.Parse(result.Checked().Output)!["result"]!["content"]![0]!["text"]!.GetValue<string>());
        await Cluster.DeleteAsync(server.Id);
        await ThirdParty.TellAsync(new { account = "alice" });
    }

    [Fact]
    public async Task ThirdParty_Refused_ClientGoesOnWithoutItAndIsToldOnCalls()
    {
        await ThirdParty.TellAsync(new { ttl = 3600, decline = true });
        var server = await MakeAsync("declined");
        using var owner = await Visitor.OwnerAsync(Cluster);
        var (at, status, page) = await FollowAsync(owner, new Uri(owner.Home, $"/oauth/mcp/connect/{server.Id}?returnUrl=%2Foauth%2Fsomewhere"));
        Assert.Equal((HttpStatusCode.BadRequest, "/oauth/mcp/callback"), (status, at.AbsolutePath));
        Assert.Contains("said no", page, StringComparison.Ordinal);
        Assert.Contains("href=\"/oauth/somewhere\"", page, StringComparison.Ordinal);

        using var client = await new OAuthClient(Cluster.Urls[0]).RegisterAsync();
        var back = await client.AuthorizeAsync(owner, Cluster.Endpoint(server).ToString());
        Assert.StartsWith(OAuthClient.Redirect, back.ToString(), StringComparison.Ordinal);
        using var mcp = Cluster.Connect(server);
        Assert.Contains($"/oauth/mcp/connect/{server.Id}", (await mcp.ToolAsync("whoami")).Error!["message"]!.GetValue<string>(), StringComparison.Ordinal);
        await ThirdParty.TellAsync(new { decline = false });
        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task Callback_OfSomebodyElse_IsNotTaken()
    {
        await ThirdParty.TellAsync(new { ttl = 3600, decline = false });
        var server = await MakeAsync("mixed up");
        using var owner = await Visitor.OwnerAsync(Cluster);
        using var began = await owner.Http.GetAsync(new Uri(owner.Home, $"/oauth/mcp/connect/{server.Id}"));
        var state = OAuthClient.Query(began.Headers.Location!)["state"];
        Assert.DoesNotContain(server.Id, began.Headers.Location!.ToString(), StringComparison.Ordinal);

        // not signed in: asked to, and nothing is finished
        using var stranger = new Visitor(Cluster.Urls[0]);
        using var asked = await stranger.Http.GetAsync(new Uri(owner.Home, $"/oauth/mcp/callback?code=x&state={state}"));
        Assert.StartsWith("/login", asked.Headers.Location!.ToString(), StringComparison.Ordinal);

        foreach (var (query, words) in new[]
        {
            ($"code=x&state={state[..^2]}AA", "not begun here by you"),
            ("code=x", "not begun here by you"),
            ($"code=x&state={state}&iss=https%3A%2F%2Fevil.example", "not from"),
            ($"code=x&state={state}&iss={Uri.EscapeDataString(ThirdParty.Issuer)}", "took too long, was finished already"),
        })
        {
            using var answer = await owner.Http.GetAsync(new Uri(owner.Home, $"/oauth/mcp/callback?{query}"));
            Assert.Contains(words, WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync()), StringComparison.Ordinal);
        }

        foreach (var path in new[] { "https://evil.example/", "//evil.example/", "/\\evil.example" })
        {
            using var answer = await owner.Http.GetAsync(new Uri(owner.Home, $"/oauth/mcp/connect/{server.Id}?returnUrl={Uri.EscapeDataString(path)}"));
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }

        await Cluster.DeleteAsync(server.Id);
    }

    [Fact]
    public async Task DiscoveredAddress_OfTheInside_IsNotAsked()
    {
        await using var hostile = await MetadataServer.StartAsync(issuer: "http://169.254.169.254");
        var server = await Cluster.CreateServerAsync(Manifests.Remote("hostile metadata", hostile.Url));
        using var owner = await Visitor.OwnerAsync(Cluster);
        foreach (var issuer in new[] { "http://169.254.169.254", "https://10.0.0.1", "https://[::1]:1", "https://[fd00::1]", "https://0x7f.1:1", "file:///etc/passwd" })
        {
            hostile.Issuer = issuer;
            var (_, status, page) = await FollowAsync(owner, new Uri(owner.Home, $"/oauth/mcp/connect/{server.Id}"));
            Assert.Equal(HttpStatusCode.BadRequest, status);
            Output.WriteLine($"{issuer}: {WebUtility.HtmlDecode(System.Text.RegularExpressions.Regex.Replace(page, "<style>.*</style>|<[^>]+>", " ", System.Text.RegularExpressions.RegexOptions.Singleline, TimeSpan.FromSeconds(1))).Trim()}");
        }

        await Cluster.DeleteAsync(server.Id);
    }
}
