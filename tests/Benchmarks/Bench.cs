using Obot.Benchmarks.Lots;
using Obot.Benchmarks.Reports;
using Obot.Benchmarks.Shims;
using Obot.Benchmarks.Storage;
using Obot.SystemTests.Rig;

namespace Obot.Benchmarks;

/// <summary>
/// <c>[--seconds 8] [--warmup 5] [--rounds 3] [--concurrency 1,16,64] [--lots …] [--out docs/benchmarks.md]</c>: measures all lots in
/// turns, so that each round of each sees the same machine, and writes the report.
/// </summary>
internal static class Bench
{
    /// <summary>Every lot is warm when its turn comes; this only lets its connections settle.</summary>
    private const double Settle = 1;

    public static async Task<int> RunAsync(Arguments arguments, TimeProvider time)
    {
        if (new[] { Repository.Silo, Repository.Shim }.FirstOrDefault(file => !File.Exists(file)) is { } missing)
        {
            await Console.Error.WriteLineAsync($"{missing} is not there: run ./obot build, or set OBOT_SHIM");
            return 2;
        }

        using var scratch = new Scratch("bench");
        await using var set = await LotSet.StartAsync(scratch, arguments.List("--lots", Lot.Direct, Lot.OneNginx, Lot.TwoNginx, Lot.TwoYarp, Lot.Governed, Lot.Exchanged, Lot.WebhookOnRequests, Lot.WebhookOnBoth, Lot.BuiltIn));
        var guard = await ShimFigures.GuardAsync(time);
        var bridge = await ShimFigures.BridgeAsync(scratch);
        var storage = set.Product is { } product ? await StorageFigure.TakeAsync(await product.DatabaseAsync()) : null;
        var identity = set.Product is { } signedIn ? await signedIn.IdentityAsync() : null;
        var concurrencies = arguments.List("--concurrency", "1", "16", "64").Select(int.Parse).ToArray();
        var seconds = arguments.Number("--seconds", 8);
        foreach (var lot in set.Lots)
        {
            await Measurement.TakeAsync(lot, 16, 0, 0, arguments.Number("--warmup", 5));
        }

        var taken = new List<Measurement>();
        for (var round = 1; round <= arguments.Number("--rounds", 3); round++)
        {
            foreach (var concurrency in concurrencies)
            {
                foreach (var lot in set.Lots)
                {
                    var one = await Measurement.TakeAsync(lot, concurrency, round, Settle, seconds);
                    taken.Add(one);
                    await Console.Error.WriteLineAsync($"round {round}, {concurrency} × {lot.Name}: {one.Load.PerSecond:0} requests/s, p50 {one.Load.P50:0} µs, p99 {one.Load.P99:0} µs, cpu {one.CpuMicroseconds:0} µs");
                }
            }
        }

        var judgements = Judgement.Of(taken, guard with { IdleBytes = Math.Max(guard.IdleBytes, set.Product?.GuardIdleBytes ?? 0) }, storage);
        var report = Report.Write(taken, guard, bridge, set.Product?.GuardIdleBytes, storage, identity, judgements, time);
        Console.WriteLine(report);
        await File.WriteAllTextAsync(arguments.Find("--out") ?? Repository.Report, report);
        return judgements.All(judgement => judgement.IsMet) ? 0 : 1;
    }
}
