using System.Globalization;
using System.Text;
using Obot.Benchmarks.Reports;

namespace Obot.Benchmarks.Llm;

/// <summary>The run as Markdown. Ratios are taken within each round; their range over the rounds says how far to trust them.</summary>
internal static class LlmReport
{
    public const double Wanted = 0.8;

    public static string Write(IReadOnlyList<LlmSample> taken, TimeProvider time, double loadBefore)
    {
        var text = new StringBuilder();
        Line(text, $"""
            # LLM gateway beside one bare YARP hop

            Written by `./obot bench llm` on {time.GetUtcNow():yyyy-MM-dd}, {Environment.ProcessorCount} cores, load average {loadBefore:0.0} before the run began: whatever else the machine did is in the figures, and in all lots alike. All lots are up at the
            same time and take turns, {taken.Select(one => one.Round).Distinct().Count()} rounds; figures are medians, ratios to YARP are taken within each round (in brackets least and most). The model answers at once (whole: 0.8 KB; streamed: 20 events), which no
            real one does: this is the gateways' own cost. `one YARP` is Kestrel and YARP's forwarder, nothing else. `LLM gateway` is the product in one silo, with an API key, a model access policy, a budget and audit with bodies, its PostgreSQL on the same cores.
            `npm gateway` is `@portkey-ai/gateway` on Node (one process), without keys, budgets or records. CPU is the processor time of the hop's own process for one request; first token is of one more client beside the load; added is to `direct`.

            | answer | callers | lot | requests/s | × YARP | added p50 ms | added p99 ms | first token ms | CPU µs | memory MB |
            |---|--:|---|--:|--:|--:|--:|--:|--:|--:|
            """);
        foreach (var group in taken.GroupBy(one => (one.Stream, one.Concurrency)))
        {
            foreach (var lot in group.GroupBy(one => one.Lot, StringComparer.Ordinal))
            {
                var ratios = RatiosOf(taken, lot.Key, group.Key.Stream, group.Key.Concurrency);
                Line(text, $"| {(group.Key.Stream ? "streamed" : "whole")} | {group.Key.Concurrency} | {lot.Key} | {Of(one => one.PerSecond):0} | {Ratios.Median(ratios):0.00} ({ratios.Min():0.00}–{ratios.Max():0.00}) | {Added(one => one.P50):0.00} | {Added(one => one.P99):0.00} | {(group.Key.Stream ? Of(one => one.FirstToken ?? double.NaN).ToString("0.00", CultureInfo.InvariantCulture) : "")} | {Of(one => one.CpuMicroseconds):0} | {Of(one => one.ResidentBytes) / 1e6:0} |");

                double Of(Func<LlmSample, double> figure) => Ratios.Median(lot.Select(figure));

                double Added(Func<LlmSample, double> figure) => Math.Max(0, Of(figure) - Ratios.Median(group.Where(one => one.Lot == LlmLot.Direct).Select(figure)));
            }
        }

        Line(text, $"""

            Wanted: {Wanted:0.0} × one bare YARP hop. Least median seen: {Least(taken):0.00}.
            """);
        return text.ToString();
    }

    public static double Least(IReadOnlyList<LlmSample> taken) => taken.Select(one => (one.Stream, one.Concurrency)).Distinct().Min(at => Ratios.Median(RatiosOf(taken, LlmLot.Ours, at.Stream, at.Concurrency)));

    private static List<double> RatiosOf(IReadOnlyList<LlmSample> taken, string lot, bool stream, int concurrency) =>
    [
        .. from one in taken
           join yarp in taken on (one.Round, one.Stream, one.Concurrency) equals (yarp.Round, yarp.Stream, yarp.Concurrency)
           where one.Lot == lot && yarp.Lot == LlmLot.Yarp && one.Stream == stream && one.Concurrency == concurrency
           select one.PerSecond / yarp.PerSecond,
    ];

    private static void Line(StringBuilder text, FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
