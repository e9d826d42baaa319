using Obot.Grains.Abstractions;
using Obot.Grains.LocalAccounts;

namespace Obot.Grains.Tests.LocalAccounts;

public sealed class AttemptsTests
{
    [Fact]
    public void Delay_Grows_AndNeverBeyondAQuarterOfAnHour()
    {
        TimeSpan[] delays = [.. Enumerable.Range(0, 60).Select(AttemptsGrain.Delay)];
        Assert.Equal(TimeSpan.FromSeconds(2), delays[0]);
        Assert.Equal(delays.Order(), delays);
        Assert.Equal(TimeSpan.FromMinutes(15), delays[^1]);
    }

    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")]
    [InlineData("2001:db8:1:2:3:4:5:6", "20010db800010002")]
    [InlineData("2001:db8:1:2::9", "20010db800010002")]
    [InlineData("", "unknown")]
    public void Address_IsCountedByNetwork(string address, string network) => Assert.Equal(network, Attempts.Network(address));

    [Fact]
    public async Task Password_RightWrongAndOfNobody()
    {
        using var passwords = new Passwords();
        var hash = await passwords.Hash("correct horse battery", CancellationToken.None);
        Assert.Equal((true, false), await passwords.Verify(hash, "correct horse battery", CancellationToken.None));
        Assert.False((await passwords.Verify(hash, "correct horse batterz", CancellationToken.None)).Right);
        Assert.False((await passwords.Verify(null, "correct horse battery", CancellationToken.None)).Right);
        Assert.False((await passwords.Verify("", "", CancellationToken.None)).Right);
    }

    [Theory]
    [InlineData("short")]
    [InlineData("aaaaaaaaaaaaaaaa")]
    [InlineData("carol-is-the-best")]
    public void Password_Weak_IsRefused(string password) => Assert.Throws<InvalidInputException>(() => Passwords.Check(password, "carol", "password"));
}
