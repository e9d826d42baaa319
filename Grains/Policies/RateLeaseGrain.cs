using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Policies;

/// <inheritdoc cref="IRateLeaseGrain"/>
/// <remarks>In memory: after a move the shares that are still out are unknown for one lifetime.</remarks>
[GrainType("rate-lease")]
internal sealed class RateLeaseGrain(IOptions<LimitOptions> limits, TimeProvider time) : Grain, IRateLeaseGrain
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private readonly RateShares shares = new(limits.Value.RequestsPerSecondPerUser, Lifetime, time);

    public Task<RateLease> Renew(string silo, double demand, CancellationToken cancellationToken) => Task.FromResult(new RateLease(shares.Renew(silo, demand), Lifetime));
}
