using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Obot.Benchmarks.Fixtures;
using Obot.Benchmarks.Lots;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Llm;

/// <summary>
/// <c>llm [--seconds 5] [--rounds 3] [--concurrency 1,16,64,256] [--out docs/benchmarks-llm.md]</c>: the LLM gateway with keys, policy, budget and audit
/// beside one bare YARP hop, to the same model, whole and streamed, in turns of one run. Needs <c>wrk</c>.
/// </summary>
internal static partial class LlmBench
{
    private const double Wanted = 0.8;

    public static async Task<int> RunAsync(Arguments arguments)
    {
        using var scratch = new Scratch("bench-llm");
        var (server, upstream) = await Child.ServeAsync("llm-server");
        await using var keptServer = server;
        var (hop, yarp) = await Child.ServeAsync("yarp", "--to", upstream.ToString());
        await using var keptHop = hop;
        await using var product = await Product.StartAsync(scratch);
        var (gateway, key) = await product.ServeModelsAsync(upstream);
        (string Name, Uri Url, string? Key)[] lots = [("direct", new(upstream, "/v1/chat/completions"), null), ("one YARP", new(yarp, "/v1/chat/completions"), null), ("LLM gateway", gateway, key)];
        var report = new StringBuilder("# LLM gateway beside one bare YARP hop\n\nKeys, model access policy, a budget and audit with bodies are on. One run, lots in turns; the model answers at once (whole: 0.8 KB; streamed: 20 events). Median of the rounds.\n\n| answer | concurrency | lot | requests/s | p50 ms | p99 ms | of YARP |\n|---|---|---|---|---|---|---|\n");
        var worst = double.MaxValue;
        foreach (var stream in new[] { false, true })
        {
            foreach (var concurrency in arguments.List("--concurrency", "1", "16", "64", "256").Select(text => int.Parse(text, CultureInfo.InvariantCulture)))
            {
                var taken = lots.ToDictionary(lot => lot.Name, _ => new List<Sample>(), StringComparer.Ordinal);
                foreach (var lot in lots)
                {
                    await RunWrkAsync(scratch, lot.Url, lot.Key, stream, concurrency, 1);
                }

                for (var round = 0; round < arguments.Number("--rounds", 3); round++)
                {
                    foreach (var lot in lots)
                    {
                        taken[lot.Name].Add(await RunWrkAsync(scratch, lot.Url, lot.Key, stream, concurrency, (int)arguments.Number("--seconds", 5)));
                    }
                }

                var bare = Median(taken["one YARP"]).PerSecond;
                foreach (var lot in lots)
                {
                    var median = Median(taken[lot.Name]);
                    report.Append(CultureInfo.InvariantCulture, $"| {(stream ? "streamed" : "whole")} | {concurrency} | {lot.Name} | {median.PerSecond:0} | {median.P50:0.00} | {median.P99:0.00} | {median.PerSecond / bare:0.00} |\n");
                    worst = lot.Key is null ? worst : Math.Min(worst, median.PerSecond / bare);
                }
            }
        }

        report.Append(CultureInfo.InvariantCulture, $"\nWanted: {Wanted} of one bare YARP hop at least. Least seen: {worst:0.00}.\n");
        Console.WriteLine(report);
        if (arguments.Find("--out") is { } file)
        {
            await File.WriteAllTextAsync(file, report.ToString());
        }

        return worst >= Wanted ? 0 : 1;
    }

    private static Sample Median(List<Sample> samples) => samples.OrderBy(sample => sample.PerSecond).ElementAt(samples.Count / 2);

    private static async Task<Sample> RunWrkAsync(Scratch scratch, Uri url, string? key, bool stream, int concurrency, int seconds)
    {
        var script = Path.Combine(scratch.Folder, $"post-{stream}-{key is null}.lua");
        var body = $$"""{"model":"bench","messages":[{"role":"user","content":"{{new string('x', 1000)}}"}],"max_tokens":200,"stream":{{(stream ? "true" : "false")}}}""";
        await File.WriteAllTextAsync(script, $"""
            wrk.method = "POST"
            wrk.body = '{body}'
            wrk.headers["Content-Type"] = "application/json"
            {(key is null ? "" : $"wrk.headers[\"Authorization\"] = \"Bearer {key}\"")}
            """);
        using var wrk = Process.Start(new ProcessStartInfo("wrk", ["-t1", $"-c{concurrency}", $"-d{seconds}s", "--latency", "-s", script, url.ToString()]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var text = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        return text.Contains("Non-2xx", StringComparison.Ordinal) || !Rate().IsMatch(text)
            ? throw new InvalidOperationException($"{url}: {text}")
            : new(double.Parse(Rate().Match(text).Groups["rate"].Value, CultureInfo.InvariantCulture), Milliseconds(text, "50%"), Milliseconds(text, "99%"));
    }

    private static double Milliseconds(string text, string percent)
    {
        var match = Latency().Matches(text).First(match => match.Groups["percent"].Value == percent);
        return double.Parse(match.Groups["value"].Value, CultureInfo.InvariantCulture) * match.Groups["unit"].Value switch { "us" => 0.001, "s" => 1000, _ => 1 };
    }

    [GeneratedRegex(@"Requests/sec:\s*(?<rate>[0-9.]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Rate();

    [GeneratedRegex(@"(?<percent>50%|99%)\s+(?<value>[0-9.]+)(?<unit>us|ms|s)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Latency();

    private sealed record Sample(double PerSecond, double P50, double P99);
}
