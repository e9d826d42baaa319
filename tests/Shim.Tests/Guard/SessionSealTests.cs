using Obot.Shim.Guard.Forwarding;

namespace Obot.Shim.Tests.Guard;

public sealed class SessionSealTests
{
    private readonly SessionSeal seal = new(Convert.ToBase64String(new byte[32]));

    [Theory]
    [InlineData("0123456789abcdef")]
    [InlineData("with.dots.in.it")]
    public void Session_OpenedByItsOwner_IsTheServers(string session) => Assert.Equal(session, seal.Open(seal.Seal(session, "ann"), "ann"));

    [Fact]
    public void Session_StolenByAnotherUser_DoesNotExist() => Assert.Null(seal.Open(seal.Seal("s", "ann"), "bob"));

    [Fact]
    public void Session_OfAnotherInstance_DoesNotExist()
    {
        var other = new SessionSeal(Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray()));
        Assert.Null(seal.Open(other.Seal("s", "ann"), "ann"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("s")]
    [InlineData(".")]
    [InlineData("s.zz")]
    [InlineData("s.00000000000000000000000000000000")]
    [InlineData("s.zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    public void Session_MadeUp_DoesNotExist(string handle) => Assert.Null(seal.Open(handle, "ann"));

    [Fact]
    public void Session_OnTheNextGeneration_IsTheSame() =>
        Assert.Equal("s", new SessionSeal(Convert.ToBase64String(new byte[32])).Open(seal.Seal("s", "ann"), "ann"));
}
