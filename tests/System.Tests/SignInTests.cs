using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>
/// People sign in, in a real browser, over two silos: at a certified OpenID provider, at a stub of GitHub, with a password. One browser
/// run, many verdicts: <c>tests/clients/signin.mjs</c> says what it saw. Screenshots stay in the test output.
/// </summary>
public sealed class SignInTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>The promise is a second; what is measured includes the polling of a loaded machine.</summary>
    private const int RevocationLimit = 3000;

    [Fact]
    public async Task People_OverTwoSilos_SignInAndOut()
    {
        await Npm.EnsureInstalledAsync();
        await using var cluster = await ObotCluster.StartAsync(2);
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "sign-in")).FullName;
        string[] arguments = [Path.Combine(Repository.Clients, "signin.mjs"), Origin(cluster.Urls[0]), Origin(cluster.Urls[1]), cluster.Token, pictures];
        var run = await ProcessRunner.RunAsync("node", arguments, Limit);
        output.WriteLine($"{run.Output}\n{run.Error}\nscreenshots: {pictures}\n{(run.ExitCode == 0 ? "" : cluster.LogTail())}");
        var seen = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal(0, run.ExitCode);
        Assert.Empty(seen.GetProperty("problems").EnumerateArray());

        Clickjacking_IsRefused(seen);
        Provider_IsTestedAndWorksOnTheOtherSiloAtOnce(seen, Origin(cluster.Urls[0]));
        Session_IsOneCookieOnBothSilos_AndEndsOnBoth(seen);
        Groups_FollowTheProviderAtEachSignIn(seen);
        Attacks_AreRefused(seen, Origin(cluster.Urls[0]));
        LocalAccount_IsSetUpUsedAndDefended(seen);
        Other_Endings_AreReadable(seen);
    }

    [Fact]
    public async Task GeneratedBootstrapToken_OwnerSignsIn_EndsOnBothSilos()
    {
        await using var cluster = await ObotCluster.StartAsync(2, ("Obot__Auth__BootstrapToken", ""));
        using var made = await cluster.SendAsync(HttpMethod.Post, "/api/local-accounts", new { userName = "olivia", role = "owner" });
        Assert.Equal(201, (int)made.StatusCode);
        var body = await ReadAsync(made);

        // made is not signed in: the way back stays open
        using (var still = await cluster.SendAsync(HttpMethod.Get, "/api/sessions"))
        {
            Assert.Equal(200, (int)still.StatusCode);
        }

        using var browser = new FormBrowser();
        await browser.SubmitAsync(body.GetProperty("setPasswordUrl").GetString()!, ("password", "a long enough phrase"), ("again", "a long enough phrase"));
        for (var silo = 0; silo < 2; silo++)
        {
            var refused = await Eventually.ReadAsync($"silo {silo + 1}", "refuses the bootstrap token", TimeSpan.FromSeconds(5), () => cluster.SendAsync(HttpMethod.Get, "/api/sessions", silo: silo), answer => (int)answer.StatusCode == 401);
            Assert.Contains("an owner has signed in", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        }

        using var mine = await browser.GetAsync(new Uri(cluster.Urls[1], "/api/sessions"));
        Assert.Equal(200, (int)mine.StatusCode);
    }

    private static void Clickjacking_IsRefused(JsonElement seen)
    {
        var headers = seen.GetProperty("headers");
        Assert.Equal("DENY", Text(headers, "frame"));
        Assert.Contains("frame-ancestors 'none'", Text(headers, "policy"), StringComparison.Ordinal);
        Assert.Equal("no-store", Text(headers, "cache"));
    }

    private static void Provider_IsTestedAndWorksOnTheOtherSiloAtOnce(JsonElement seen, string origin)
    {
        Assert.True(seen.GetProperty("tested").GetProperty("passed").GetBoolean(), seen.GetProperty("tested").ToString());
        Assert.Contains("invalid_client", seen.GetProperty("testedWrongSecret").ToString(), StringComparison.Ordinal);
        Assert.False(seen.GetProperty("testedNobody").GetProperty("passed").GetBoolean());
        var created = seen.GetProperty("created").GetProperty("body");
        Assert.True(created.GetProperty("hasSecret").GetBoolean());
        Assert.DoesNotContain("a-secret-of-the-tests-only", created.ToString(), StringComparison.Ordinal);
        Assert.Equal(302, seen.GetProperty("secondSilo").GetProperty("status").GetInt32());
        Assert.StartsWith(Text(seen.GetProperty("secondSilo"), "issuer"), Text(seen.GetProperty("secondSilo"), "location"), StringComparison.Ordinal);
        Assert.Equal($"{origin}/signin/gh/callback", Text(seen.GetProperty("asked"), "redirectUri"));
        Assert.Equal("S256", Text(seen.GetProperty("asked"), "pkce"));
        Assert.StartsWith("/login?failed=gone", Text(seen, "deleted"), StringComparison.Ordinal);
    }

    private static void Session_IsOneCookieOnBothSilos_AndEndsOnBoth(JsonElement seen)
    {
        var cookie = seen.GetProperty("cookie");
        Assert.True(cookie.GetProperty("httpOnly").GetBoolean());
        Assert.Equal("Lax", Text(cookie, "sameSite"));
        Assert.InRange(cookie.GetProperty("size").GetInt32(), 40, 600);
        Assert.Equal([200, 200], Numbers(seen.GetProperty("api")));
        Assert.Equal("Alice Example", Text(seen, "name"), ignoreCase: true);
        Assert.Equal("company", Text(seen.GetProperty("session"), "provider"));
        Assert.True(seen.GetProperty("session").GetProperty("current").GetBoolean());
        var revoked = seen.GetProperty("revoked");
        Assert.Equal(204, revoked.GetProperty("status").GetInt32());
        foreach (var place in new[] { "first", "second", "page" })
        {
            Assert.InRange(revoked.GetProperty(place).GetInt32(), 0, RevocationLimit);
        }

        Assert.Equal(401, seen.GetProperty("signedOut").GetProperty("api").GetInt32());
        Assert.True(seen.GetProperty("signedOut").GetProperty("cookie").GetBoolean());
    }

    private static void Groups_FollowTheProviderAtEachSignIn(JsonElement seen)
    {
        var groups = seen.GetProperty("groups");
        Assert.Equal(["everyone"], groups.GetProperty("before").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal(["designers"], groups.GetProperty("after").EnumerateArray().Select(name => name.GetString()));

        // nobody is believed about their own address where no proxy is configured
        Assert.Equal("127.0.0.1", Text(seen, "claimedAddress"));
    }

    private static void Attacks_AreRefused(JsonElement seen, string origin)
    {
        var fixation = seen.GetProperty("fixation");
        Assert.True(fixation.GetProperty("changed").GetBoolean());
        Assert.Equal(401, fixation.GetProperty("planted").GetInt32());
        Assert.Equal(200, fixation.GetProperty("own").GetInt32());
        var csrf = seen.GetProperty("loginCsrf");
        Assert.StartsWith("/login?failed=expired", Text(csrf, "path"), StringComparison.Ordinal);
        Assert.True(csrf.GetProperty("cookie").GetBoolean());
        Assert.Equal(400, seen.GetProperty("formWithoutToken").GetInt32());
        Assert.Equal("/login?failed=expired", Text(seen, "forgedState"));
        Assert.All(seen.GetProperty("openRedirect").EnumerateArray(), url => Assert.Equal($"{origin}/", url.GetString()));
    }

    private static void LocalAccount_IsSetUpUsedAndDefended(JsonElement seen)
    {
        Assert.Equal(201, seen.GetProperty("localMade").GetProperty("status").GetInt32());
        Assert.Contains("12 to 200", Text(seen, "localWeak"), StringComparison.Ordinal);
        Assert.True(seen.GetProperty("linkTwice").GetBoolean());
        Assert.Contains("wrong", Text(seen, "localWrong"), StringComparison.Ordinal);
        var lockout = seen.GetProperty("lockout").EnumerateArray().Select(told => told.GetString()!).ToArray();
        Assert.Equal("password", lockout[0]);
        Assert.Contains("wait", lockout);
        Assert.True(seen.GetProperty("lockoutKnownBrowser").GetBoolean());
        Assert.Equal([401, 401], Numbers(seen.GetProperty("changed").GetProperty("old")));
        Assert.Equal(200, seen.GetProperty("changed").GetProperty("own").GetInt32());
    }

    private static void Other_Endings_AreReadable(JsonElement seen)
    {
        Assert.Contains("domain", Text(seen.GetProperty("domain"), "text"), StringComparison.Ordinal);
        Assert.True(seen.GetProperty("domain").GetProperty("cookie").GetBoolean());
        Assert.Contains("cancelled", Text(seen, "denied"), StringComparison.Ordinal);
        Assert.Equal(201, seen.GetProperty("gitHubCreated").GetInt32());
        Assert.Equal("Octo Cat", Text(seen, "gitHub"), ignoreCase: true);
        var trial = seen.GetProperty("trial");
        Assert.Contains("role basic", Text(trial, "outcome"), StringComparison.Ordinal);
        Assert.Equal("engineers, everyone", Text(trial, "groups"));
        Assert.Contains("alice@example.com", Text(trial, "claims"), StringComparison.Ordinal);
        Assert.Contains("not yours", Text(seen, "trialOfAnother"), StringComparison.Ordinal);
    }

    private static string Origin(Uri url) => url.GetLeftPart(UriPartial.Authority);

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static int[] Numbers(JsonElement element) => [.. element.EnumerateArray().Select(number => number.GetInt32())];

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
}
