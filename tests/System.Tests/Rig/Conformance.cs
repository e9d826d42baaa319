using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Obot.SystemTests.Rig;

/// <summary>Verdict of one check; a check that ran several times has its worst one.</summary>
internal enum Verdict
{
    Absent,
    Skipped,
    Passed,
    Warned,
    Failed,
}

/// <summary>One run of the suite.</summary>
/// <param name="Checks">By scenario, then by the id of the check.</param>
internal sealed record ConformanceRun(string Name, IReadOnlyDictionary<string, IReadOnlyDictionary<string, Verdict>> Checks, int Passed, int Failed, string Output)
{
    public Verdict Of(string scenario, string check) =>
        Checks.TryGetValue(scenario, out var checks) && checks.TryGetValue(check, out var verdict) ? verdict : Verdict.Absent;

    /// <summary>Checks (<c>scenario:check</c>) that pass here and do anything else there.</summary>
    public IReadOnlyList<string> LostIn(ConformanceRun other) =>
    [
        .. Checks
            .SelectMany(scenario => scenario.Value, (scenario, check) => (Scenario: scenario.Key, Check: check.Key, Verdict: check.Value))
            .Where(check => check.Verdict is Verdict.Passed && other.Of(check.Scenario, check.Check) is not Verdict.Passed)
            .Select(check => $"{check.Scenario}:{check.Check}")
            .Order(StringComparer.Ordinal),
    ];
}

/// <summary>The npm conformance suite against a URL, and its results side by side.</summary>
internal static partial class Conformance
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <param name="revision">Requirement set: <c>2025-11-25</c> or <c>2026-07-28</c>.</param>
    /// <param name="token">Bearer token for requests below the URL's origin.</param>
    public static async Task<ConformanceRun> RunAsync(string name, Uri url, string revision, string? token = null)
    {
        await Npm.EnsureInstalledAsync();
        using var results = new Scratch("conformance");
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        if (token is not null)
        {
            environment["OBOT_TOKEN"] = token;
            environment["OBOT_PREFIX"] = url.GetLeftPart(UriPartial.Path);
        }

        string[] arguments =
        [
            "--import", new Uri(Path.Combine(Repository.Clients, "conformance-preload.mjs")).ToString(),
            Path.Combine(Repository.Clients, "node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"),
            "server", "--url", url.ToString(), "--requirements", revision, "--output-dir", results.Folder,
        ];
        var result = await ProcessRunner.RunAsync("node", arguments, Limit, environment);
        if (Total().Match(result.Output) is not { Success: true } total)
        {
            throw new InvalidOperationException($"the suite did not come to its end: {result}");
        }

        var checks = new Dictionary<string, IReadOnlyDictionary<string, Verdict>>(StringComparer.Ordinal);
        foreach (var folder in Directory.GetDirectories(results.Folder))
        {
            var scenario = Folder().Match(Path.GetFileName(folder)).Groups["scenario"].Value;
            checks[scenario] = Read(await File.ReadAllTextAsync(Path.Combine(folder, "checks.json")));
        }

        return new ConformanceRun(name, checks, Number(total, "passed"), Number(total, "failed"), result.Output);
    }

    /// <summary>Passed and failed checks a scenario, one column a run.</summary>
    public static string Table(params IReadOnlyList<ConformanceRun> runs)
    {
        var text = new StringBuilder();
        var scenarios = runs.SelectMany(run => run.Checks.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var width = scenarios.Max(scenario => scenario.Length);
        Line("scenario", runs.Select(run => run.Name));
        foreach (var scenario in scenarios)
        {
            Line(scenario, runs.Select(run => run.Checks.TryGetValue(scenario, out var checks)
                ? $"{checks.Values.Count(verdict => verdict is Verdict.Passed)}/{checks.Values.Count(verdict => verdict is Verdict.Failed)}"
                : "-"));
        }

        Line("total, as the suite counts", runs.Select(run => $"{run.Passed}/{run.Failed}"));
        return text.ToString();

        void Line(string first, IEnumerable<string> others) =>
            text.Append(first.PadRight(width)).Append(" | ").AppendJoin(" | ", others.Select(other => other.PadLeft(16))).AppendLine();
    }

    /// <param name="json">A <c>checks.json</c>.</param>
    public static IReadOnlyDictionary<string, Verdict> Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.EnumerateArray()
            .Select(check => (Id: check.GetProperty("id").GetString()!, Verdict: check.GetProperty("status").GetString() switch
            {
                "SUCCESS" => Verdict.Passed,
                "FAILURE" => Verdict.Failed,
                "WARNING" => Verdict.Warned,
                _ => Verdict.Skipped,
            }))
            .GroupBy(check => check.Id, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Max(check => check.Verdict), StringComparer.Ordinal);
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].Value, System.Globalization.CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^Total: (?<passed>\d+) passed, (?<failed>\d+) failed", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Total();

    [GeneratedRegex(@"^server-(?<scenario>.+)-\d{4}-\d\d-\d\dT.*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Folder();
}
