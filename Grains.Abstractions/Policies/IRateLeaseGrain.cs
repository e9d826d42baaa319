namespace Obot.Grains.Abstractions.Policies;

/// <summary>
/// One user's requests a second (key: user id), divided among the gateway silos that the user comes through. Silos renew in the background
/// and decide each request from their own share, so no request asks a grain while its silo's lease holds.
/// </summary>
public interface IRateLeaseGrain : IGrainWithStringKey
{
    /// <summary>Takes back the silo's share and gives it the next one: as much as its part of the demand, at most what others do not hold.</summary>
    /// <param name="silo">Any name that is this silo's alone.</param>
    /// <param name="demand">Requests a second that the user made there since the last renewal, refused ones included.</param>
    [Alias("Renew")]
    Task<RateLease> Renew(string silo, double demand, CancellationToken cancellationToken);
}

/// <param name="PerSecond">Requests a second that the silo may let through.</param>
/// <param name="Lifetime">After that the share belongs to others.</param>
[GenerateSerializer, Immutable, Alias("Obot.RateLease")]
public sealed record RateLease([property: Id(0)] double PerSecond, [property: Id(1)] TimeSpan Lifetime);
