using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Identity;

namespace Obot.Grains.Tests.Identity;

[Collection(nameof(PostgresTests))]
public sealed class OAuthKeysTests(Postgres postgres) : IAsyncLifetime
{
    private static readonly byte[] Text = [1, 2, 3];

    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private ServiceProvider? _database;
    private Encryption.TestSilo? _silo;

    private IDbContextFactory<ObotDb> Databases => _database!.GetRequiredService<IDbContextFactory<ObotDb>>();

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateDatabaseAsync();
        _silo = await Encryption.TestSilo.StartAsync(Databases);
    }

    public async ValueTask DisposeAsync()
    {
        _silo?.Dispose();
        await _database!.DisposeAsync();
    }

    [Fact]
    public async Task FirstKeys_MadeByTwoSilosAtOnce_AreTheSame()
    {
        using var one = Make();
        using var other = Make();
        await Task.WhenAll(one.StartingAsync(CancellationToken.None), other.StartingAsync(CancellationToken.None));
        Assert.Equal(Ids(one), Ids(other));
        Assert.Single(Ids(one));
        Assert.Equal(one.Current.Signing[0].PrivateKey, other.Current.Signing[0].PrivateKey);
        Assert.Equal(one.Current.Encryption, other.Current.Encryption);
        Assert.Equal(32, one.Current.Encryption.Length);
    }

    [Fact]
    public async Task Rotation_IsPublishedFirstAndSignsLater_AndOldSignaturesStayGood()
    {
        using var one = Make();
        using var other = Make();
        await one.StartingAsync(CancellationToken.None);
        await other.StartingAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromDays(1));
        var old = Assert.Single(Ids(one));
        var signature = Sign(one);

        var told = 0;
        using var listening = one.OnChange(() => told++);
        var added = await one.Rotate(CancellationToken.None);
        Assert.Equal(1, told);
        await other.StartingAsync(CancellationToken.None);
        Assert.Equal([old, added], Ids(one));
        Assert.Equal([old, added], Ids(other));

        _time.Advance(OAuthKeys.PublishedBefore - TimeSpan.FromMilliseconds(1));
        await other.StartingAsync(CancellationToken.None);
        Assert.Equal(old, other.Current.Signing[0].Id);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        await one.StartingAsync(CancellationToken.None);
        await other.StartingAsync(CancellationToken.None);
        Assert.Equal([added, old], Ids(one));
        Assert.Equal([added, old], Ids(other));
        Assert.True(Verifies(other, old, signature));
        Assert.False(Verifies(other, added, signature));
        Assert.True(Verifies(other, added, Sign(one)));
    }

    [Fact]
    public async Task Rotation_OfOneSilo_ReachesAnotherThroughTheFeedAndSignsByItself()
    {
        Action<SecurityChange>? handler = null;
        var feed = Substitute.For<ISecurityFeed>();
        feed.Subscribe(Arg.Do<Action<SecurityChange>>(given => handler = given)).Returns(Substitute.For<IDisposable>());
        using var one = Make();
        using var other = Make(feed);
        await one.StartingAsync(CancellationToken.None);
        await other.StartingAsync(CancellationToken.None);
        await other.StartAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromDays(1));
        var added = await one.Rotate(CancellationToken.None);
        await using (var db = await Databases.CreateDbContextAsync())
        {
            Assert.Equal(added, (await db.SecurityEvents.SingleAsync(row => row.Kind == SecurityChangeKinds.SigningKey)).Subject);
        }

        handler!(new(1, SecurityChangeKinds.SigningKey, added));
        await UntilAsync(() => Ids(other).Contains(added));
        Assert.NotEqual(added, other.Current.Signing[0].Id);
        await UntilAsync(() =>
        {
            _time.Advance(OAuthKeys.PublishedBefore);
            return other.Current.Signing[0].Id == added;
        });
        await other.StopAsync(CancellationToken.None);
    }

    private OAuthKeys Make(ISecurityFeed? feed = null) =>
        new(Databases, _silo!.Encryption, feed ?? Substitute.For<ISecurityFeed>(), _time, NullLogger<OAuthKeys>.Instance);

    private static List<string> Ids(OAuthKeys keys) => [.. keys.Current.Signing.Select(key => key.Id)];

    private static byte[] Sign(OAuthKeys keys)
    {
        using var key = Import(keys.Current.Signing[0]);
        return key.SignData(Text, HashAlgorithmName.SHA256);
    }

    private static bool Verifies(OAuthKeys keys, string id, byte[] signature)
    {
        using var key = Import(keys.Current.Signing.Single(one => one.Id == id));
        return key.VerifyData(Text, signature, HashAlgorithmName.SHA256);
    }

    private static ECDsa Import(OAuthSigningKey key)
    {
        var algorithm = ECDsa.Create();
        algorithm.ImportPkcs8PrivateKey(key.PrivateKey, out _);
        return algorithm;
    }

    private static async Task UntilAsync(Func<bool> good)
    {
        for (var tries = 0; !good(); tries++)
        {
            Assert.True(tries < 200, "not within 10 s");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
