namespace Obot.Gateway.Limits;

/// <summary>One user's share of this silo, and what is left of it: a token bucket that holds one second's worth.</summary>
internal sealed class UserRate(long now)
{
    private double perSecond;
    private double tokens;
    private long refilledAt = now;
    private long asked;

    /// <summary>When the last renewal was answered; null before the first.</summary>
    public long? RenewedAt { get; private set; }

    /// <summary>When the grain was asked last, whether it answered or not.</summary>
    public long TriedAt { get; set; }

    public TimeSpan Lifetime { get; private set; }

    /// <summary>The renewal under way.</summary>
    public Task? Renewing { get; set; }

    public long UsedAt { get; private set; } = now;

    /// <returns>Null when the request may go on; otherwise how long until one would.</returns>
    public TimeSpan? Take(long now, TimeProvider time)
    {
        asked++;
        UsedAt = now;
        tokens = Math.Min(Math.Max(1, perSecond), tokens + (time.GetElapsedTime(refilledAt, now).TotalSeconds * perSecond));
        refilledAt = now;
        if (tokens < 1)
        {
            return TimeSpan.FromSeconds((1 - tokens) / Math.Max(perSecond, 0.01));
        }

        tokens--;
        return null;
    }

    /// <summary>Requests since the last call, a second.</summary>
    public double TakeDemand(long now, TimeProvider time)
    {
        var seconds = Math.Max(0.1, time.GetElapsedTime(TriedAt, now).TotalSeconds);
        var demand = asked / Math.Min(seconds, 10);
        asked = 0;
        return demand;
    }

    public void Renew(double share, TimeSpan lifetime, long now)
    {
        SetShare(share);
        (RenewedAt, Lifetime) = (now, lifetime);
    }

    /// <summary>A user who begins may make a second's worth at once.</summary>
    public void SetShare(double share)
    {
        if (perSecond == 0)
        {
            tokens = Math.Max(1, share);
        }

        perSecond = share;
    }
}
