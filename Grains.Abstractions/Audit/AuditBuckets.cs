namespace Obot.Grains.Abstractions.Audit;

/// <summary>
/// Buckets of durations that add up over hours, servers and silos: bucket <c>ceil(8 · log2 µs)</c>, so a bucket's upper end is 9 % above its lower
/// one, and whatever is read out of a histogram is right within 4.5 %.
/// </summary>
public static class AuditBuckets
{
    public const int PerOctave = 8;

    /// <summary>Middle of a bucket, in milliseconds.</summary>
    public static double Milliseconds(int bucket) => Math.Pow(2, (bucket - 0.5) / PerOctave) / 1000;

    /// <summary>A quantile of a histogram (count by bucket); null of an empty one.</summary>
    public static double? Quantile(IReadOnlyDictionary<int, long> histogram, double quantile)
    {
        var left = (long)Math.Ceiling(histogram.Values.Sum() * quantile);
        foreach (var (bucket, count) in histogram.OrderBy(pair => pair.Key))
        {
            left -= count;
            if (left <= 0)
            {
                return Milliseconds(bucket);
            }
        }

        return null;
    }
}
