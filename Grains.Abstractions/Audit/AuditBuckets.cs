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

    /// <summary>A quantile of a histogram (counts, by bucket), in milliseconds; null of an empty one.</summary>
    public static double? Quantile(ReadOnlySpan<long> histogram, double quantile)
    {
        var all = 0L;
        foreach (var count in histogram)
        {
            all += count;
        }

        var left = Math.Max(1, (long)Math.Ceiling(all * quantile));
        for (var bucket = 0; bucket < histogram.Length; bucket++)
        {
            left -= histogram[bucket];
            if (left <= 0)
            {
                return Milliseconds(bucket);
            }
        }

        return null;
    }
}
