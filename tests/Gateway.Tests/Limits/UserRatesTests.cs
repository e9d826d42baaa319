using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using NSubstitute.ExceptionExtensions;
using Obot.Gateway.Limits;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Gateway.Tests.Limits;

public sealed class UserRatesTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly IRateLeaseGrain _grain = Substitute.For<IRateLeaseGrain>();
    private readonly IGrainFactory _grains = Substitute.For<IGrainFactory>();

    public UserRatesTests()
    {
        _grains.GetGrain<IRateLeaseGrain>(Arg.Any<string>()).Returns(_grain);
        _grain.Renew(Arg.Any<string>(), Arg.Any<double>(), Arg.Any<CancellationToken>()).Returns(new RateLease(10, TimeSpan.FromSeconds(3)));
    }

    [Fact]
    public async Task Requests_WithoutALimit_AskNobody()
    {
        Assert.Null(await Rates(0).TakeAsync("ann"));
        _grains.DidNotReceiveWithAnyArgs().GetGrain<IRateLeaseGrain>("");
    }

    [Fact]
    public async Task Requests_WithinTheShare_GoOnAndOthersAreToldWhenToComeBack()
    {
        var rates = Rates(20);
        var allowed = 0;
        for (var i = 0; i < 30; i++)
        {
            allowed += await rates.TakeAsync("ann") is null ? 1 : 0;
        }

        Assert.Equal(10, allowed);
        Assert.InRange((await rates.TakeAsync("ann"))!.Value.TotalSeconds, 0.05, 0.11);
        Assert.Null(await rates.TakeAsync("bob"));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal(5, await CountAsync(rates, 30));
        await _grain.Received(2).Renew(Arg.Any<string>(), Arg.Any<double>(), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Grain_ThatIsAway_LeavesTheLastShareForAMinuteAndThenATenth()
    {
        var rates = Rates(20);
        Assert.Equal(10, await CountAsync(rates, 30));
        _grain.Renew(Arg.Any<string>(), Arg.Any<double>(), Arg.Any<CancellationToken>()).ThrowsAsync(new TimeoutException("away"));
        for (var second = 0; second < 55; second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(10, await CountAsync(rates, 30));
        }

        _time.Advance(TimeSpan.FromSeconds(10));
        await CountAsync(rates, 30);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, await CountAsync(rates, 30));
    }

    private async Task<int> CountAsync(UserRates rates, int requests)
    {
        var allowed = 0;
        for (var i = 0; i < requests; i++)
        {
            allowed += await rates.TakeAsync("ann") is null ? 1 : 0;
        }

        return allowed;
    }

    private UserRates Rates(int perSecond) =>
        new(_grains, Options.Create(new LimitOptions { RequestsPerSecondPerUser = perSecond }), _time, NullLogger<UserRates>.Instance);
}
