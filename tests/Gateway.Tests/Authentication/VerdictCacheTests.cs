using Obot.Gateway.OAuth.Tokens;
using Obot.Gateway.OAuth;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Gateway.Authentication;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Gateway.Tests.Authentication;

public sealed class VerdictCacheTests
{
    private readonly ISecurityFeed _feed = Substitute.For<ISecurityFeed>();

    /// <summary>A silo cut off from PostgreSQL does not know who was revoked: known or not, nobody is let in until it hears again.</summary>
    [Fact]
    public async Task Silo_WithoutNewsForMaxStaleness_LetsNobodyInAndRecovers()
    {
        var keys = Substitute.For<IApiKeys>();
        keys.Authenticate("key", Arg.Any<CancellationToken>()).Returns((new Principal("ann", Role.Basic, "k", Scopes.All), null));
        var options = Options.Create(new SecurityOptions { MaxStaleness = TimeSpan.FromMinutes(5) });
        var tokens = new AccessTokens(Substitute.For<IServiceScopeFactory>(), new Resources(Options.Create(new AddressOptions())), Substitute.For<IUserDirectory>());
        using var verdicts = new VerdictCache(Substitute.For<ISignIn>(), keys, tokens, Substitute.For<IApiKeyUsage>(), _feed, new FakeTimeProvider(), options);

        _feed.Staleness.Returns(TimeSpan.FromMinutes(5));
        Assert.NotNull(await verdicts.FindAsync("key", default));
        _feed.Staleness.Returns(TimeSpan.FromMinutes(5) + TimeSpan.FromMilliseconds(1));
        Assert.Null(await verdicts.FindAsync("key", default));
        _feed.Staleness.Returns(TimeSpan.MaxValue);
        Assert.Null(await verdicts.FindAsync("key", default));
        _feed.Staleness.Returns(TimeSpan.Zero);
        Assert.NotNull(await verdicts.FindAsync("key", default));
        await keys.Received(1).Authenticate("key", Arg.Any<CancellationToken>());
    }
}
