using System.Diagnostics;
using System.Text.Json;

namespace Obot.Benchmarks.Audit;

/// <summary>Searches through the API, as people make them.</summary>
/// <param name="Rare">Longest page of a search for a text that nothing has.</param>
/// <param name="Stats">Usage statistics, median of five.</param>
internal sealed record Searches(double P50, double P95, double Rare, double Stats)
{
    public const int Times = 20;

    public static async Task<Searches> TakeAsync(HttpClient http, TimeSpan back, TimeProvider time)
    {
        var start = Uri.EscapeDataString((time.GetUtcNow() - back).ToString("O"));
        var taken = new List<double>();
        for (var i = 0; i < Times; i++)
        {
            foreach (var query in (string[])
                [
                    "", $"userID=u1bench{i * 7}", $"mcpServerID=ms1bench{i}", $"mcpServerID=ms1bench{i}&status=403", "status=error", $"sessionID=session-{i * 331}",
                    $"method=tools/call&identifier=tool_{i}", $"client=client%20{i % 12}", $"query=tool_{i}", $"userID=u1bench{i}&mcpServerID=ms1bench{i}",
                ])
            {
                taken.Add(await MillisecondsAsync(http, $"/api/mcp-audit-logs?startTime={start}&{query}"));
            }
        }

        var rare = 0.0;
        for (var i = 0; i < 3; i++)
        {
            rare = Math.Max(rare, await MillisecondsAsync(http, $"/api/mcp-audit-logs?startTime={start}&query=nothing{i}"));
        }

        var stats = new List<double>();
        for (var i = 0; i < 5; i++)
        {
            stats.Add(await MillisecondsAsync(http, $"/api/mcp-stats?startTime={start}"));
        }

        taken.Sort();
        stats.Sort();
        return new(taken[taken.Count / 2], taken[(int)(taken.Count * 0.95)], rare, stats[stats.Count / 2]);
    }

    /// <summary>One after the other, page after page; how many pages there were.</summary>
    public static async Task<int> ScanAsync(HttpClient http, CancellationToken over)
    {
        var pages = 0;
        var cursor = "";
        try
        {
            while (true)
            {
                using var response = await http.GetAsync(new Uri($"/api/mcp-audit-logs?query=nothing&cursor={cursor}", UriKind.Relative), over);
                var page = JsonSerializer.Deserialize<JsonElement>(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(over));
                cursor = page.TryGetProperty("nextCursor", out var next) ? next.GetString() : "";
                pages++;
            }
        }
        catch (OperationCanceledException)
        {
            return pages;
        }
    }

    private static async Task<double> MillisecondsAsync(HttpClient http, string path)
    {
        var clock = Stopwatch.StartNew();
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative));
        response.EnsureSuccessStatusCode();
        await response.Content.ReadAsByteArrayAsync();
        return clock.Elapsed.TotalMilliseconds;
    }
}
