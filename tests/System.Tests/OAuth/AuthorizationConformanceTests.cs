using System.Diagnostics;
using System.Text;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.OAuth;

/// <summary>The npm conformance suite against the authorization server; a visitor follows the URL that it prints.</summary>
public sealed class AuthorizationConformanceTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Suite_WithARegisteredClient_Passes()
    {
        await Npm.EnsureInstalledAsync();
        using var results = new Scratch("conformance");
        using var person = await Visitor.OwnerAsync(Cluster);
        var port = ObotCluster.FreePort();
        using var client = await new OAuthClient(Cluster.Urls[0]).RegisterAsync($"http://127.0.0.1:{port}/callback");
        var issuer = Cluster.Urls[0].GetLeftPart(UriPartial.Authority);
        var said = await RunAsync(person,
        [
            "--import", new Uri(Path.Combine(Repository.Clients, "conformance-preload.mjs")).ToString(),
            Path.Combine(Repository.Clients, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
            "authorization", "--url", issuer, "--client-id", client.ClientId, "--resource", $"{issuer}/mcp-connect/ms1nowhere", "--port", $"{port}", "--output-dir", results.Folder,
        ]);
        Output.WriteLine(said);
        var checks = new Dictionary<string, Verdict>(StringComparer.Ordinal);
        foreach (var folder in Directory.GetDirectories(results.Folder))
        {
            foreach (var (check, verdict) in Conformance.Read(await File.ReadAllTextAsync(Path.Combine(folder, "checks.json"))))
            {
                checks.Add(check, verdict);
            }
        }

        Assert.Equal(
            ["authorization-code-grant: Passed", "authorization-server-metadata: Passed", "authorization-server-metadata-cimd: Passed"],
            checks.OrderBy(check => check.Key, StringComparer.Ordinal).Select(check => $"{check.Key}: {check.Value}"));
        Assert.Contains("Total: 3 passed, 0 failed", said, StringComparison.Ordinal);
    }

    /// <summary>Reads along, because the suite waits for its callback after it has printed where to sign in.</summary>
    private async Task<string> RunAsync(Visitor person, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("node", arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })
            ?? throw new InvalidOperationException("node did not start");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Limit);
        var said = new StringBuilder();
        try
        {
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                said.AppendLine(line);
                if (line.StartsWith(new Uri(person.Home, "/oauth/authorize?").ToString(), StringComparison.Ordinal))
                {
                    using var browser = new HttpClient();
                    using var page = await browser.GetAsync(await person.AgreeAsync(new Uri(line)), patience.Token);
                    page.EnsureSuccessStatusCode();
                }
            }

            await process.WaitForExitAsync(patience.Token);
            Assert.True(process.ExitCode == 0, $"{said}\n{await errors}");
            return said.ToString();
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
