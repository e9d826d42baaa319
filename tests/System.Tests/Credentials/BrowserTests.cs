using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>A person connects and disconnects an account in a real browser, on the third party's own pages.</summary>
public sealed class BrowserTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Console_ConnectYourAccount_CallsWithItAndDisconnects()
    {
        await using var thirdParty = await Credentials.ThirdParty.StartAsync(dev: true);
        var server = await Cluster.CreateServerAsync(Manifests.Remote("in a browser", thirdParty.Server));
        using var made = await Cluster.Http.PostAsJsonAsync("/api/sign-in-codes", new { }, TestContext.Current.CancellationToken);
        var link = JsonNode.Parse(await made.EnsureSuccessStatusCode().Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["url"]!.GetValue<string>();
        var pictures = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "test", "connect-account")).FullName;
        var start = new ProcessStartInfo("node", [Path.Combine(Repository.Clients, "connect-account.mjs"), link, new Uri(Cluster.Urls[0], $"/admin/servers/{server.Id}").ToString(), pictures])
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true,
        };
        using var browser = Process.Start(start) ?? throw new InvalidOperationException("node did not start");
        using var patience = new CancellationTokenSource(Limit);
        var first = JsonNode.Parse(await browser.StandardOutput.ReadLineAsync(patience.Token) ?? "{}")!;
        Output.WriteLine($"{first.ToJsonString()}\nscreenshots: {pictures}");
        Assert.True(first["connected"]?.GetValue<bool>());
        Assert.Contains(first["hosts"]!.AsArray(), host => host!.GetValue<string>() == new Uri(thirdParty.Issuer).Authority);

        using var mcp = Cluster.Connect(server, 1);
        var who = await Eventually.ReadAsync(server.Id, "calls with the token", Limit, () => mcp.ToolAsync("whoami"), answer => answer.Result is not null);
        Assert.Contains("dora", who.Text, StringComparison.Ordinal);

        await browser.StandardInput.WriteLineAsync("go on");
        await browser.StandardInput.FlushAsync(patience.Token);
        var last = JsonNode.Parse(await browser.StandardOutput.ReadLineAsync(patience.Token) ?? "{}")!;
        Assert.True(last["disconnected"]?.GetValue<bool>(), last.ToJsonString());
        await browser.WaitForExitAsync(patience.Token);
        await Eventually.ReadAsync(server.Id, "asks for the account again", Limit, () => mcp.ToolAsync("whoami"), answer => answer.Error is not null);
        await Cluster.DeleteAsync(server.Id);
    }
}
