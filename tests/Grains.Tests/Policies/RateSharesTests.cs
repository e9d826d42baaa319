using Microsoft.Extensions.Time.Testing;
using Obot.Grains.Policies;

namespace Obot.Grains.Tests.Policies;

public sealed class RateSharesTests
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Shares_OfASiloAlone_AreTheWholeRate() => Assert.Equal(20, new RateShares(20, Lifetime, _time).Renew("a", 5));

    [Fact]
    public void Shares_OfTwoSilos_FollowTheDemandAndNeverExceedTheRate()
    {
        var shares = new RateShares(20, Lifetime, _time);
        shares.Renew("a", 30);

        // a newcomer gets a twentieth beyond the rate until the other renews, and no longer
        Assert.Equal(1, shares.Renew("b", 30));
        Assert.Equal(21, shares.Granted);
        for (var round = 0; round < 5; round++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            shares.Renew("a", 30);
            Assert.True(shares.Granted <= 20.001, $"{shares.Granted}");
            shares.Renew("b", 30);
            Assert.True(shares.Granted <= 20.001, $"{shares.Granted}");
        }

        Assert.Equal(10, shares.Renew("a", 30), 0.5);
        for (var round = 0; round < 5; round++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            shares.Renew("a", 0);
            shares.Renew("b", 60);
        }

        Assert.InRange(shares.Renew("b", 60), 17, 19.5);
    }

    [Fact]
    public void Share_OfASiloThatIsGone_ComesBackAfterItsLifetime()
    {
        var shares = new RateShares(20, Lifetime, _time);
        shares.Renew("a", 100);
        shares.Renew("b", 100);
        _time.Advance(Lifetime + TimeSpan.FromSeconds(1));
        Assert.Equal(20, shares.Renew("b", 100));
    }
}
