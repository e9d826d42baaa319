using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Credentials;

/// <summary>The conformance suite's authorization scenarios with the platform as the client under test (<c>tests/clients/conformance-client.mjs</c>).</summary>
public sealed partial class ConformanceClientTests(CredentialCluster shared, ITestOutputHelper output) : CredentialTest(shared, output)
{
    private const int AtOnce = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>All of revisions 2025-03-26 to 2026-07-28, and the extensions that we have. DPoP, workload identities and an identity provider that hands us ID tokens are not among them.</summary>
    private static readonly string[] Scenarios =
    [
        "metadata-default", "metadata-var1", "metadata-var2", "metadata-var3", "basic-cimd", "scope-from-www-authenticate", "scope-from-scopes-supported",
        "scope-omitted-when-undefined", "scope-step-up", "scope-retry-limit", "token-endpoint-auth-basic", "token-endpoint-auth-post", "token-endpoint-auth-none",
        "pre-registration", "2025-03-26-oauth-metadata-backcompat", "2025-03-26-oauth-endpoint-fallback", "resource-mismatch", "offline-access-scope",
        "offline-access-not-supported", "authorization-server-migration", "iss-supported", "iss-not-advertised", "iss-supported-missing", "iss-wrong-issuer",
        "iss-unexpected", "iss-normalized", "metadata-issuer-mismatch", "client-credentials-basic", "client-credentials-jwt",
    ];

    [Fact]
    public async Task AuthorizationScenarios_AllPass()
    {
        await Npm.EnsureInstalledAsync();
        using var results = new Scratch("conformance-client");
        var ends = new ConcurrentDictionary<string, (int Passed, int Failed, string Output)>(StringComparer.Ordinal);
        await Parallel.ForEachAsync(Scenarios, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (scenario, _) => ends[scenario] = await RunAsync(scenario, results.Folder));

        var table = new StringBuilder();
        foreach (var scenario in Scenarios)
        {
            table.Append(CultureInfo.InvariantCulture, $"auth/{scenario,-42} {ends[scenario].Passed,3} passed, {ends[scenario].Failed} failed").AppendLine();
        }

        table.Append(CultureInfo.InvariantCulture, $"{Scenarios.Length} scenarios: {ends.Values.Sum(end => end.Passed)} checks passed, {ends.Values.Sum(end => end.Failed)} failed (bound 0)");
        Output.WriteLine(table.ToString());
        Assert.Empty(ends.Where(end => end.Value is not { Failed: 0, Passed: > 0 }).Select(end => $"{end.Key}: {end.Value.Output}"));
    }

    private async Task<(int Passed, int Failed, string Output)> RunAsync(string scenario, string folder)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["OBOT_URL"] = Cluster.Urls[0].GetLeftPart(UriPartial.Authority),
            ["OBOT_TOKEN"] = Cluster.Token,
        };
        string[] arguments =
        [
            "--import", new Uri(Path.Combine(Repository.Clients, "conformance-preload.mjs")).ToString(),
            Path.Combine(Repository.Clients, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
            "client", "--command", $"node {Path.Combine(Repository.Clients, "conformance-client.mjs")}", "--scenario", $"auth/{scenario}", "--output-dir", folder, "--timeout", "60000",
        ];

        // the preload would put the owner's token into the suite's own requests
        environment["OBOT_PREFIX"] = environment["OBOT_URL"];
        var run = await ProcessRunner.RunAsync("node", arguments, Limit, environment);
        return Total().Match($"{run.Output}\n{run.Error}") is { Success: true } total
            ? (Number(total, "passed"), Number(total, "failed"), run.Output)
            : (0, 1, run.ToString());
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^Passed: (?<passed>\d+)/\d+, (?<failed>\d+) failed", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Total();
}
