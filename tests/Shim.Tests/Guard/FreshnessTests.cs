using Microsoft.Extensions.Time.Testing;
using Obot.Shim.Guard.Authorization;

namespace Obot.Shim.Tests.Guard;

public sealed class FreshnessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    private readonly FakeTimeProvider time = new();

    [Fact]
    public void Guard_ThatHeardNothingForMaxStaleness_IsStaleUntilItHears()
    {
        var freshness = new Freshness(Limit, TimeSpan.Zero, time);
        time.Advance(Limit);
        Assert.False(freshness.IsStale);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(freshness.IsStale);
        freshness.Heard(TimeSpan.Zero);
        Assert.False(freshness.IsStale);
    }

    /// <summary>A silo that lost PostgreSQL says how long ago: it keeps no guard alive beyond its own limit.</summary>
    [Fact]
    public void Guard_OfASiloThatIsCutOff_BecomesStaleWithIt()
    {
        var freshness = new Freshness(Limit, TimeSpan.Zero, time);
        for (var age = TimeSpan.Zero; age <= Limit; age += TimeSpan.FromSeconds(2))
        {
            freshness.Heard(age);
            Assert.False(freshness.IsStale);
            time.Advance(TimeSpan.FromSeconds(2));
        }

        freshness.Heard(Limit + TimeSpan.FromSeconds(2));
        Assert.True(freshness.IsStale);
    }

    [Fact]
    public void News_OfAStalerSilo_NeverMakeAGuardOlder()
    {
        var freshness = new Freshness(Limit, TimeSpan.Zero, time);
        freshness.Heard(TimeSpan.FromDays(1));
        Assert.False(freshness.IsStale);
    }

    [Fact]
    public void Guard_StartedWithAnOldPolicy_CountsItsAge()
    {
        var freshness = new Freshness(Limit, TimeSpan.FromMinutes(4), time);
        time.Advance(TimeSpan.FromSeconds(61));
        Assert.True(freshness.IsStale);
    }
}
