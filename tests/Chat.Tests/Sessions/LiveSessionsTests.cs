using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Chat.Tests.Sessions;

public sealed class LiveSessionsTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly IUserSessions _sessions = Substitute.For<IUserSessions>();
    private readonly IUserDirectory _users = Substitute.For<IUserDirectory>();
    private readonly IApiKeys _keys = Substitute.For<IApiKeys>();
    private readonly FakeFeed _feed = new();
    private readonly LiveSessions _live;
    private UserStanding? _user = new("u1", "Ada", Role.Admin, false, ["g1"]);

    public LiveSessionsTests()
    {
        _sessions.Use("s1", Arg.Any<CancellationToken>()).Returns(_ => Session());
        _users.Find("u1", Arg.Any<CancellationToken>()).Returns(_ => _user);
        _live = new(_sessions, _users, _keys, _feed, _time, Options.Create(new SessionOptions()), Options.Create(new SessionTrustOptions()));
    }

    public void Dispose() => _live.Dispose();

    [Fact]
    public async Task Session_Warm_AsksNobody()
    {
        var first = await FindAsync();
        _sessions.ClearReceivedCalls();
        _users.ClearReceivedCalls();
        Assert.Same(first, await FindAsync());
        Assert.Equal((Role.Admin, "s1"), (first!.Principal.Role, first.Principal.CredentialId));
        Assert.Equal("Ada", first.Claims.Identity!.Name);
        await _sessions.DidNotReceive().Use(Arg.Any<string>(), Arg.Any<CancellationToken>());
        await _users.DidNotReceive().Find(Arg.Any<string>(), Arg.Any<CancellationToken>());
        _sessions.Received(1).Used("s1");
    }

    [Theory]
    [InlineData(SecurityChangeKinds.Session, "s1")]
    [InlineData(SecurityChangeKinds.User, "u1")]
    [InlineData(SecurityChangeKinds.Everything, "*")]
    public async Task Session_AfterAChange_IsAskedAgain(string kind, string subject)
    {
        await FindAsync();
        _user = _user! with { Role = Role.Basic };
        _feed.Publish(kind, subject);
        Assert.Equal(Role.Basic, (await FindAsync())!.Principal.Role);
        _user = null;
        _feed.Publish(kind, subject);
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task Revocation_WhileTheGrainIsAsked_IsNotOvertaken()
    {
        _users.Find("u1", Arg.Any<CancellationToken>()).Returns(_ =>
        {
            _feed.Publish(SecurityChangeKinds.Session, "s1");
            return _user;
        });
        await FindAsync();
        _sessions.Use("s1", Arg.Any<CancellationToken>()).Returns((UserSession?)null);
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task Feed_Silent_RefusesEverybody()
    {
        Assert.NotNull(await FindAsync());
        _feed.Staleness = TimeSpan.FromMinutes(6);
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task Session_OfAnApiKey_EndsWithTheKey()
    {
        _sessions.Use("s1", Arg.Any<CancellationToken>()).Returns(_ => Session() with { KeyId = "ak1x" });
        _keys.Find(Arg.Any<Principal>(), "ak1x", Arg.Any<CancellationToken>()).Returns(new ApiKeyView { Id = "ak1x", Name = "", Prefix = "", Scopes = [], CreatedAt = default });
        Assert.NotNull(await FindAsync());
        _keys.Find(Arg.Any<Principal>(), "ak1x", Arg.Any<CancellationToken>()).Returns((ApiKeyView?)null);
        _feed.Publish(SecurityChangeKinds.ApiKey, "ak1x");
        Assert.Null(await FindAsync());
    }

    [Fact]
    public async Task Session_AfterAWhile_IsAskedAgain()
    {
        await FindAsync();
        _time.Advance(TimeSpan.FromMinutes(5));
        _sessions.Use("s1", Arg.Any<CancellationToken>()).Returns((UserSession?)null);
        Assert.Null(await FindAsync());
    }

    private ValueTask<LiveSession?> FindAsync() => _live.FindAsync("s1", CancellationToken.None);

    private UserSession Session() => new("s1", "u1", "company", Scopes.All, null, null, _time.GetUtcNow(), _time.GetUtcNow(), _time.GetUtcNow().AddDays(7), "", "");

    private sealed class FakeFeed : ISecurityFeed
    {
        private Action<SecurityChange> _handler = _ => { };

        public long Revision { get; private set; }

        public TimeSpan Staleness { get; set; }

        public IDisposable Subscribe(Action<SecurityChange> handler)
        {
            _handler = handler;
            return Substitute.For<IDisposable>();
        }

        public void Publish(string kind, string subject)
        {
            Revision++;
            _handler(new(Revision, kind, subject));
        }
    }
}
