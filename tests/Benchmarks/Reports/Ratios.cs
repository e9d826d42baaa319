using Obot.Benchmarks.Lots;

namespace Obot.Benchmarks.Reports;

/// <summary>Medians over the rounds. A ratio is taken within each round first: what disturbs a round disturbs both its sides.</summary>
internal static class Ratios
{
    public static double Median(IEnumerable<double> values) => values.Order().ToArray() is { Length: > 0 } sorted ? sorted[sorted.Length / 2] : double.NaN;

    public static double Median(this IEnumerable<Measurement> taken, string lot, int concurrency, Func<Measurement, double> figure) =>
        Median(taken.Where(one => one.Lot == lot && one.Concurrency == concurrency).Select(figure));

    public static double Ratio(this IReadOnlyList<Measurement> taken, string lot, string to, int concurrency, Func<Measurement, double> figure) =>
        Median(
            from one in taken
            join other in taken on (one.Round, one.Concurrency) equals (other.Round, other.Concurrency)
            where one.Lot == lot && other.Lot == to && one.Concurrency == concurrency
            select figure(one) / figure(other));
}
