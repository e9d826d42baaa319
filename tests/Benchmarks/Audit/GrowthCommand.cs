using System.Globalization;
using Obot.Benchmarks.Fixtures;
using Obot.Benchmarks.Lots;
using Obot.Benchmarks.Reports;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks.Audit;

/// <summary>
/// <c>growth [--records 5000000] [--rounds 5] [--seconds 6] [--pause FILE] [--out docs/benchmarks-audit.md]</c>: a product with millions of audit records over ninety days: how fast they come in, how
/// much room they take, how long searches last, and what a search over everything costs the calls that are made meanwhile.
/// </summary>
internal static class GrowthCommand
{
    private const double MaxRatio = 1.2;
    private const int Concurrency = 4;

    public static async Task<int> RunAsync(Arguments arguments, TimeProvider time)
    {
        var count = (int)arguments.Number("--records", 5_000_000);
        using var scratch = new Scratch("growth");
        await using var set = await LotSet.StartAsync(scratch, [Lot.Governed]);
        var product = set.Product!;
        await using var filling = new RecordFilling(await product.DatabaseAsync(), time);
        var (rate, bytes) = await filling.FillAsync(count);
        await Console.Error.WriteLineAsync($"{count} records: {rate:0}/s, {bytes:0} bytes each");
        var summing = await filling.SumUpAsync();
        if (arguments.Find("--pause") is { } file)
        {
            // the fill may go on beside other work; what follows may not
            await Console.Error.WriteLineAsync($"filled; measuring when {file} is there");
            while (!File.Exists(file))
            {
                await Task.Delay(TimeSpan.FromSeconds(1));
            }
        }

        var day = await Searches.TakeAsync(product.Http, TimeSpan.FromDays(1), time);
        var quarter = await Searches.TakeAsync(product.Http, TimeSpan.FromDays(90), time);
        var (quiet, busy, scans) = await MeasureAsync(product, set.Lots[0], arguments);
        var ratio = Ratios.Median(quiet.Zip(busy, (without, with) => with / without));
        var report = string.Create(CultureInfo.InvariantCulture, $"""
            # Audit records in numbers

            Written by `./obot bench growth` on {time.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} cores: {count:n0} records over 90 days in the product's own PostgreSQL with its default settings (fsync on),
            400 bytes of encrypted bodies and headers each. Searches go through the API; each figure is over {Searches.Times} searches of each kind.

            | | |
            |---|--:|
            | inserted, a second (COPY, both tables, five indexes, hourly roll-up) | {rate:0} |
            | size of a record with its indexes, bytes | {bytes:0} |
            | search over the last day, p50 / p95 | {day.P50:0} ms / {day.P95:0} ms |
            | search over 90 days, p50 / p95, without the search for a rare text | {quarter.P50:0} ms / {quarter.P95:0} ms |
            | a text that no record has, over 90 days: longest page (bound 4 s and one stretch) | {quarter.Rare:0} ms |
            | usage statistics (`/api/mcp-stats`) over the last day / over 90 days | {day.Stats:0} ms / {quarter.Stats:0} ms |
            | summing the days up once, after a fill in which no day was ever over | {summing:0} s |
            | calls through gateway and guard, {Concurrency} at a time, p99 without / with such searches going on ({scans} of them) | {Ratios.Median(quiet):0} µs / {Ratios.Median(busy):0} µs |
            | their ratio (bound {MaxRatio}) | {ratio:0.00} {(ratio <= MaxRatio ? "met" : "**missed**")} |

            """);
        Console.WriteLine(report);
        await File.WriteAllTextAsync(arguments.Find("--out") ?? Path.Combine(Path.GetDirectoryName(Repository.Report)!, "benchmarks-audit.md"), report);
        return ratio <= MaxRatio ? 0 : 1;
    }

    /// <summary>In turns, so that both see the same machine.</summary>
    private static async Task<(List<double> Quiet, List<double> Busy, int Scans)> MeasureAsync(Product product, Lot lot, Arguments arguments)
    {
        var (quiet, busy, scans) = (new List<double>(), new List<double>(), 0);
        await Measurement.TakeAsync(lot, Concurrency, 0, 0, arguments.Number("--warmup", 5));
        for (var round = 1; round <= arguments.Number("--rounds", 5); round++)
        {
            quiet.Add((await Measurement.TakeAsync(lot, Concurrency, round, 1, arguments.Number("--seconds", 6))).Load.P99);
            using var over = new CancellationTokenSource();
            var scanning = Searches.ScanAsync(product.Http, over.Token);
            busy.Add((await Measurement.TakeAsync(lot, Concurrency, round, 1, arguments.Number("--seconds", 6))).Load.P99);
            await over.CancelAsync();
            scans += await scanning;
            await Console.Error.WriteLineAsync($"round {round}: p99 {quiet[^1]:0} µs without, {busy[^1]:0} µs with a scan");
        }

        return (quiet, busy, scans);
    }
}
