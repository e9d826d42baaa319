using System.Globalization;
using Obot.Benchmarks.Lots;
using Obot.Benchmarks.Shims;
using Obot.Benchmarks.Storage;

namespace Obot.Benchmarks.Reports;

/// <summary>A figure and its bound.</summary>
internal sealed record Judgement(string What, string Bound, string Figure, bool IsMet)
{
    private const double MinThroughput = 0.8;
    private const double MaxLatency = 1.3;
    private const double MaxGuardMegabytes = 25;
    private const double MaxGuardMilliseconds = 100;
    private const double MinEncrypted = 0.9;
    private const double MaxExchange = 0.05;

    public static IReadOnlyList<Judgement> Of(IReadOnlyList<Measurement> taken, ShimFigure guard, StorageFigure? storage)
    {
        var judgements = new List<Judgement>();
        foreach (var concurrency in taken.Where(one => one.Lot == Lot.Governed).Select(one => one.Concurrency).Distinct())
        {
            var throughput = taken.Ratio(Lot.Governed, Lot.TwoYarp, concurrency, one => one.Load.PerSecond);
            var latency = taken.Ratio(Lot.Governed, Lot.TwoYarp, concurrency, one => one.Load.P50);
            judgements.Add(new($"requests/s against two YARP, concurrency {concurrency}", $"≥ {Text(MinThroughput)}", Text(throughput), throughput >= MinThroughput));
            judgements.Add(new($"p50 against two YARP, concurrency {concurrency}", $"≤ {Text(MaxLatency)}", Text(latency), latency <= MaxLatency));
        }

        foreach (var concurrency in taken.Where(one => one.Lot == Lot.Exchanged).Select(one => one.Concurrency).Distinct())
        {
            var cost = taken.Ratio(Lot.Exchanged, Lot.Governed, concurrency, one => one.Load.P50) - 1;
            judgements.Add(new($"p50 of a warm exchange in the governed path, concurrency {concurrency}", $"≤ +{MaxExchange:0 %}", cost.ToString("+0.0 %;-0.0 %", CultureInfo.InvariantCulture), cost <= MaxExchange));
        }

        var megabytes = guard.IdleBytes / 1e6;
        judgements.Add(new("guard, idle memory", $"≤ {MaxGuardMegabytes} MB", $"{Text(megabytes)} MB", megabytes <= MaxGuardMegabytes));
        judgements.Add(new("guard, start to ready", $"≤ {MaxGuardMilliseconds} ms", $"{guard.ReadyMilliseconds:0} ms", guard.ReadyMilliseconds <= MaxGuardMilliseconds));
        if (storage is not null)
        {
            judgements.Add(new("grain writes/s, encrypted against plain", $"≥ {Text(MinEncrypted)}", Text(storage.Ratio), storage.Ratio >= MinEncrypted));
        }

        return judgements;
    }

    private static string Text(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
