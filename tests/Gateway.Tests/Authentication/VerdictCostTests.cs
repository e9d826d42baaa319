using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Gateway.Authentication;
using Obot.Gateway.OAuth;
using Obot.Gateway.OAuth.Tokens;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Gateway.Tests.Authentication;

/// <summary>What it costs to know on the warm path who calls.</summary>
public sealed class VerdictCostTests(ITestOutputHelper output)
{
    /// <summary>CPU time of silo and guard for one call, docs/performance.md.</summary>
    private const double CallMicroseconds = 385;
    private const int Lookups = 200_000;

    [Theory]
    [InlineData("an API key", 57)]
    [InlineData("an access token", 700)]
    public async Task Credential_KnownToTheSilo_CostsNextToNothing(string what, int length)
    {
        var keys = Substitute.For<IApiKeys>();
        keys.Authenticate(Arg.Any<string>(), Arg.Any<CancellationToken>()).Returns((new Principal("ann", Role.Basic, "k", Scopes.All), null));
        var tokens = new AccessTokens(Substitute.For<IServiceScopeFactory>(), new Resources(Options.Create(new AddressOptions())), Substitute.For<IUserDirectory>());
        using var verdicts = new VerdictCache(Substitute.For<ISignIn>(), keys, tokens, new NoUsage(), new UpToDate(), TimeProvider.System, Options.Create(new SecurityOptions()));
        var credential = new string('x', length);
        Assert.NotNull(await verdicts.FindAsync(credential, default));

        var best = double.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var lookup = 0; lookup < Lookups; lookup++)
            {
                await verdicts.FindAsync(credential, default);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMicroseconds / Lookups);
        }

        output.WriteLine($"{what}: {best:0.00} µs a call; requests/s with it ÷ without: {1 - (best / CallMicroseconds):0.000} (bound 0.95)");
        Assert.True(best < 0.05 * CallMicroseconds * 10);
        await keys.Received(1).Authenticate(credential, Arg.Any<CancellationToken>());
    }

    private sealed class NoUsage : IApiKeyUsage
    {
        public void Used(string keyId)
        {
        }
    }

    private sealed class UpToDate : ISecurityFeed
    {
        public long Revision => 1;

        public TimeSpan Staleness => TimeSpan.Zero;

        public IDisposable Subscribe(Action<SecurityChange> handler) => new MemoryStream();
    }
}
