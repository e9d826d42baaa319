using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Obot.Benchmarks.Lots;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Llm;

/// <summary>Loads one lot with <c>wrk</c>, and beside it asks again and again how long a first token takes.</summary>
internal static partial class LlmLoad
{
    public static async Task<LlmSample> TakeAsync(Scratch scratch, LlmLot lot, bool stream, int concurrency, int round, int seconds)
    {
        var script = Path.Combine(scratch.Folder, $"{lot.Name.Replace(' ', '-')}-{stream}.lua");
        await File.WriteAllTextAsync(script, $"""
            wrk.method = "POST"
            wrk.body = '{LlmLot.Body(stream)}'
            wrk.headers["Content-Type"] = "application/json"
            {string.Join('\n', lot.Headers.Select(header => $"wrk.headers[\"{header.Name}\"] = \"{header.Value}\""))}
            """);
        var cpu = lot.Pid is { } before ? CpuTime.Of(before) : 0;
        using var wrk = Process.Start(new ProcessStartInfo("wrk", ["-t1", $"-c{concurrency}", $"-d{seconds}s", "--latency", "--timeout", "20s", "-s", script, lot.Url.ToString()]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(seconds * 0.9));
        var first = stream ? FirstTokenAsync(lot, enough.Token) : Task.FromResult<double?>(null);
        var text = await wrk.StandardOutput.ReadToEndAsync();
        await wrk.WaitForExitAsync();
        if (text.Contains("Non-2xx", StringComparison.Ordinal) || !Rate().IsMatch(text))
        {
            throw new InvalidOperationException($"{lot.Url}: {text}");
        }

        var perSecond = double.Parse(Rate().Match(text).Groups["rate"].Value, CultureInfo.InvariantCulture);
        var used = lot.Pid is { } after ? (CpuTime.Of(after) - cpu) * 1e6 / Math.Max(1, perSecond * seconds) : 0;
        return new(lot.Name, stream, concurrency, round, perSecond, Milliseconds(text, "50%"), Milliseconds(text, "99%"), await first, used, lot.Pid is { } pid ? Proc.ResidentBytes(pid) : 0);
    }

    private static async Task<double?> FirstTokenAsync(LlmLot lot, CancellationToken enough)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        var taken = new List<double>();
        var buffer = new byte[64 * 1024];
        while (!enough.IsCancellationRequested)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, lot.Url) { Content = new StringContent(LlmLot.Body(stream: true), Encoding.UTF8, "application/json") };
            foreach (var (name, value) in lot.Headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            var clock = Stopwatch.StartNew();
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, CancellationToken.None);
            await using var body = await answer.Content.ReadAsStreamAsync(CancellationToken.None);
            if (await body.ReadAsync(buffer, CancellationToken.None) > 0)
            {
                taken.Add(clock.Elapsed.TotalMilliseconds);
            }

            while (await body.ReadAsync(buffer, CancellationToken.None) > 0)
            {
                // the rest does not count
            }

            await Task.Delay(20, CancellationToken.None);
        }

        return taken.Count == 0 ? null : taken.Order().ElementAt(taken.Count / 2);
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
}
