namespace Obot.Grains.Policies;

/// <summary>
/// Divides a rate among silos. What is handed out never exceeds it, but for a silo that has just come while others hold all of it: it gets
/// a twentieth until they renew, so that a client that moved to another silo is not turned away.
/// </summary>
internal sealed class RateShares(double perSecond, TimeSpan lifetime, TimeProvider time)
{
    private const double Floor = 0.05;

    private readonly Dictionary<string, Share> shares = new(StringComparer.Ordinal);

    /// <summary>What is out now.</summary>
    public double Granted => shares.Values.Sum(share => share.PerSecond);

    public double Renew(string silo, double demand)
    {
        var now = time.GetTimestamp();
        foreach (var (name, _) in shares.Where(share => time.GetElapsedTime(share.Value.At, now) > lifetime).ToArray())
        {
            shares.Remove(name);
        }

        shares.Remove(silo);
        var floor = Floor * perSecond;
        var wanted = demand + floor;
        var part = perSecond * wanted / (wanted + shares.Values.Sum(share => share.Demand + floor));
        var given = Math.Max(floor, Math.Min(part, perSecond - Granted));
        shares[silo] = new(given, demand, now);
        return given;
    }

    private sealed record Share(double PerSecond, double Demand, long At);
}
