namespace Obot.Shim.Guard.Authorization;

/// <summary>
/// How long ago the policy was known to be up to date. A cluster that says nothing, and a silo that is itself cut off, both make the guard
/// refuse after a while: somebody who lost access must not keep it because the news got lost.
/// </summary>
internal sealed class Freshness
{
    private readonly TimeProvider time;
    private readonly TimeSpan limit;
    private long freshAt;

    /// <param name="limit">Older than that refuses.</param>
    /// <param name="age">Of the policy that the guard was started with.</param>
    public Freshness(TimeSpan limit, TimeSpan age, TimeProvider time)
    {
        (this.limit, this.time) = (limit, time);
        freshAt = time.GetTimestamp() - Ticks(age);
    }

    public TimeSpan Age => time.GetElapsedTime(Volatile.Read(ref freshAt));

    public bool IsStale => Age > limit;

    /// <param name="age">The silo's own staleness; news of a staler silo never make it older.</param>
    public void Heard(TimeSpan age)
    {
        var at = time.GetTimestamp() - Ticks(age);
        long known;
        while (at > (known = Volatile.Read(ref freshAt)) && Interlocked.CompareExchange(ref freshAt, at, known) != known)
        {
        }
    }

    private long Ticks(TimeSpan age) => (long)(age.TotalSeconds * time.TimestampFrequency);
}
