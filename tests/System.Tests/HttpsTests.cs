using System.Text.Json;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>As an organization runs it: https ends at a proxy, and the identity provider answers by a form that the browser posts.</summary>
public sealed class HttpsTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task SignIn_BehindAProxyByFormPost_SetsHostCookiesAndKnowsTheCaller()
    {
        await Npm.EnsureInstalledAsync();
        await using var proxy = new TlsProxy();
        await using var cluster = await ObotCluster.StartAsync(1, ("Obot__PublicUrl", proxy.Url), ("Obot__TrustedProxies", "127.0.0.1, ::1/128"));
        await proxy.StartAsync(cluster.Urls[0]);
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "sign-in")).FullName;
        var run = await ProcessRunner.RunAsync("node", [Path.Combine(Repository.Clients, "https.mjs"), proxy.Url, cluster.Token, pictures], Limit);
        output.WriteLine($"{run.Output}\n{run.Error}\n{(run.ExitCode == 0 ? "" : cluster.LogTail())}");
        var seen = JsonSerializer.Deserialize<JsonElement>(run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(201, seen.GetProperty("created").GetInt32());
        Assert.Equal("POST", seen.GetProperty("callback").GetProperty("method").GetString());
        Assert.Empty(seen.GetProperty("callback").GetProperty("query").GetString()!);

        // a browser takes a __Host- cookie only with Secure, path / and no domain
        var cookies = seen.GetProperty("cookies").EnumerateArray().Where(cookie => cookie.GetProperty("name").GetString()!.Contains("obot", StringComparison.Ordinal)).ToList();
        Assert.Contains(cookies, cookie => cookie.GetProperty("name").GetString()!.StartsWith("__Host-obot-session-", StringComparison.Ordinal));
        Assert.All(cookies, cookie =>
        {
            Assert.StartsWith("__Host-", cookie.GetProperty("name").GetString(), StringComparison.Ordinal);
            Assert.True(cookie.GetProperty("secure").GetBoolean());
            Assert.Equal("localhost", cookie.GetProperty("domain").GetString());
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(cluster.Urls[0], "/login?returnUrl=%2Fsessions"));
        request.Headers.Accept.ParseAdd("text/html");
        using var direct = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var moved = await direct.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal($"{proxy.Url}/login?returnUrl=%2Fsessions", moved.Headers.Location?.OriginalString);
        Assert.Equal("203.0.113.9", seen.GetProperty("clientIp").GetString());
    }
}
