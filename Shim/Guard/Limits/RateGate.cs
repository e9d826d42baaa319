namespace Obot.Shim.Guard.Limits;

/// <summary>A token bucket in one word (generic cell rate algorithm): so many a second, and as many at once after a pause. Lock-free and exact.</summary>
internal sealed class RateGate
{
    private long nextAt;

    /// <param name="now">Timestamp.</param>
    /// <param name="perSecond">Above 0.</param>
    /// <param name="frequency">Timestamps a second.</param>
    /// <param name="wait">How long until it would be taken, in timestamps.</param>
    public bool TryTake(long now, int perSecond, long frequency, out long wait)
    {
        var interval = frequency / perSecond;
        var tolerance = interval * (perSecond - 1);
        while (true)
        {
            var known = Volatile.Read(ref nextAt);
            var at = Math.Max(known, now);
            wait = at - now - tolerance;
            if (wait > 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref nextAt, at + interval, known) == known)
            {
                return true;
            }
        }
    }

    /// <summary>Nothing is remembered that a new one would not know.</summary>
    public bool IsFull(long now) => Volatile.Read(ref nextAt) <= now;
}
