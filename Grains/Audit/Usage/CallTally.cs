using Obot.Grains.Abstractions.Audit;

namespace Obot.Grains.Audit.Usage;

/// <summary>Calls of one server, tool or period: how many, how long, by whom.</summary>
internal sealed class CallTally
{
    /// <summary>More than any duration that fits a number.</summary>
    private const int MaxBuckets = 64 * AuditBuckets.PerOctave;

    private long[] durations = [];

    public long Calls { get; private set; }

    public long Errors { get; private set; }

    public UserSet Users { get; } = new();

    public ReadOnlySpan<long> Durations => durations;

    public CallFigures Figures => new(Calls, Errors, Users.Count, AuditBuckets.Quantile(durations, 0.5), AuditBuckets.Quantile(durations, 0.95));

    public void Count(long calls, long errors)
    {
        Calls += calls;
        Errors += errors;
    }

    public void AddDurations(int bucket, long calls)
    {
        bucket = Math.Clamp(bucket, 0, MaxBuckets);
        if (bucket >= durations.Length)
        {
            Array.Resize(ref durations, Math.Max(bucket + 1, durations.Length * 2));
        }

        durations[bucket] += calls;
    }

    public void Add(CallTally other)
    {
        Count(other.Calls, other.Errors);
        for (var bucket = 0; bucket < other.durations.Length; bucket++)
        {
            if (other.durations[bucket] > 0)
            {
                AddDurations(bucket, other.durations[bucket]);
            }
        }

        Users.UnionWith(other.Users);
    }
}
