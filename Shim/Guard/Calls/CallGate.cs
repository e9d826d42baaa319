using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Guard.Calls;

/// <summary>
/// Counts what is in hand, and closes for good when the cluster asks and nothing is: one atomic word, so no call slips in between the
/// question and the stop.
/// </summary>
internal sealed class CallGate(TimeProvider time)
{
    private const int Closed = int.MinValue;

    private readonly long started = time.GetTimestamp();
    private int inFlight;
    private long lastActivity;
    private long calls;
    private long refusals;

    public long Calls => Interlocked.Read(ref calls);

    public int InFlight => Math.Max(0, Volatile.Read(ref inFlight));

    /// <summary>False when the guard drains: nothing may begin.</summary>
    /// <param name="counts">Is it activity? Idle streams enter uncounted.</param>
    public bool TryEnter(bool counts)
    {
        if (!counts)
        {
            return Volatile.Read(ref inFlight) >= 0;
        }

        if (Interlocked.Increment(ref inFlight) <= 0)
        {
            Volatile.Write(ref inFlight, Closed);
            return false;
        }

        Volatile.Write(ref lastActivity, time.GetTimestamp());
        return true;
    }

    public void Leave(bool counts)
    {
        if (counts)
        {
            Volatile.Write(ref lastActivity, time.GetTimestamp());
            Interlocked.Decrement(ref inFlight);
        }
    }

    public void Record(bool refused)
    {
        Interlocked.Increment(ref calls);
        if (refused)
        {
            Interlocked.Increment(ref refusals);
        }
    }

    /// <summary>Closes when nothing is in hand and nothing was for so long; otherwise stays open.</summary>
    public bool TryClose(TimeSpan minIdle) =>
        time.GetElapsedTime(LastActivity) >= minIdle && Interlocked.CompareExchange(ref inFlight, Closed, 0) is 0 or Closed;

    public GuardActivity Report(long policyRevision) => new()
    {
        InFlight = InFlight,
        IdleMilliseconds = Volatile.Read(ref lastActivity) is var last and not 0 ? (long)time.GetElapsedTime(last).TotalMilliseconds : null,
        Calls = Calls,
        Refusals = Interlocked.Read(ref refusals),
        PolicyRevision = policyRevision,
    };

    private long LastActivity => Volatile.Read(ref lastActivity) is var last and not 0 ? last : started;
}
