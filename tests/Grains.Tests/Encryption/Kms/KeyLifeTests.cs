using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption;
using Obot.Grains.Encryption.Keys;
using Obot.Grains.Encryption.Local;

namespace Obot.Grains.Tests.Encryption.Kms;

/// <summary>What a silo does while its KMS is away, refuses, or is replaced by another.</summary>
[Collection(nameof(PostgresTests))]
public sealed class KeyLifeTests(Postgres postgres)
{
    private static readonly SecretPlace Place = new("t", "1", "c");

    [Fact]
    public async Task Kms_Unreachable_KeysGoOnForTheGraceAndNoLonger()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        await using var stub = (AwsStub)await new AwsStub().StartAsync();
        using var silo = await StartAsync(database, stub, cacheFor: 0.3, grace: 4);
        var stored = silo.Encryption.Encrypt(Place, "x"u8);
        stub.Mood = KmsMood.Throttled;
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        Assert.Equal("x"u8.ToArray(), silo.Encryption.Decrypt(Place, stored));

        var error = await EventuallyAsync<KeyServiceUnreachableException>(() => silo.Encryption.Decrypt(Place, stored));
        Assert.Contains("GraceWithoutKms", error.Message, StringComparison.Ordinal);
        Assert.Throws<KeyServiceUnreachableException>(() => silo.Encryption.Encrypt(Place, "y"u8));

        stub.Mood = KmsMood.Good;
        await EventuallyGoodAsync(() => silo.Encryption.Decrypt(Place, stored));
    }

    [Fact]
    public async Task Kms_Refuses_KeysAreNotUsedFromThenOn()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        await using var stub = (AwsStub)await new AwsStub().StartAsync();
        using var silo = await StartAsync(database, stub, cacheFor: 0.3, grace: 3600);
        var stored = silo.Encryption.Encrypt(Place, "x"u8);
        stub.Mood = KmsMood.Disabled;
        var error = await EventuallyAsync<KeyServiceDeniedException>(() => silo.Encryption.Decrypt(Place, stored));
        Assert.Contains(AwsStub.Key, error.Message, StringComparison.Ordinal);
        Assert.Contains("kms:Decrypt", error.Message, StringComparison.Ordinal);
        Assert.Throws<KeyServiceDeniedException>(() => silo.Encryption.Encrypt(Place, "y"u8));

        stub.Mood = KmsMood.Good;
        await EventuallyGoodAsync(() => silo.Encryption.Decrypt(Place, stored));
    }

    [Fact]
    public async Task Kms_RefusesAtTheStart_SiloDoesNotStart()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        await using var stub = (AwsStub)await new AwsStub().StartAsync();
        (await StartAsync(database, stub, 60, 60)).Dispose();
        stub.Mood = KmsMood.Denied;
        await Assert.ThrowsAsync<KeyServiceDeniedException>(() => StartAsync(database, stub, 60, 60));
    }

    [Fact]
    public async Task Provider_Changed_RotationMovesEverythingToTheNewOne()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        byte[] stored, index;
        using (var before = await TestSilo.StartAsync(database.Databases))
        {
            stored = before.Encryption.Encrypt(new("cluster_keys", "k", "material"), "m"u8);
            index = before.Encryption.BlindIndex("p", "v");
            await database.ExecuteAsync("INSERT INTO cluster_keys VALUES ('k', 'p', $1, now())", stored);
        }

        await using var stub = (AwsStub)await new AwsStub().StartAsync();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        IKeyWrapper[] both = [stub.Wrapper(), new LocalKeyWrapper(TestSilo.LocalKey)];
        using (var during = await TestSilo.StartAsync(database.Databases, new() { Provider = "aws" }, both, time))
        {
            Assert.Equal("m"u8.ToArray(), during.Encryption.Decrypt(new("cluster_keys", "k", "material"), stored));
            await during.Table.RotateAsync(default);
            await during.Keys.RefreshAsync(default);
            time.Advance(TimeSpan.FromMinutes(1));
            await during.Reencryption(database).TryPassAsync(default);
        }

        // the local key is needed no more
        using var after = await TestSilo.StartAsync(database.Databases, new() { Provider = "aws" }, [stub.Wrapper()]);
        Assert.Equal(index, after.Encryption.BlindIndex("p", "v"));
        var now = await database.ScalarAsync<byte[]>("SELECT material FROM cluster_keys WHERE id = 'k'");
        Assert.Equal("m"u8.ToArray(), after.Encryption.Decrypt(new("cluster_keys", "k", "material"), now));
    }

    private static Task<TestSilo> StartAsync(TestDatabase database, AwsStub stub, double cacheFor, double grace) => TestSilo.StartAsync(
        database.Databases,
        new() { Provider = "aws", CacheFor = TimeSpan.FromSeconds(cacheFor), GraceWithoutKms = TimeSpan.FromSeconds(grace), Timeout = TimeSpan.FromSeconds(1) },
        [stub.Wrapper()]);

    private static async Task<TException> EventuallyAsync<TException>(Action act)
        where TException : Exception
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            try
            {
                act();
                await Task.Delay(50, patience.Token);
            }
            catch (TException e)
            {
                return e;
            }
        }
    }

    private static async Task EventuallyGoodAsync(Action act)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (true)
        {
            try
            {
                act();
                return;
            }
            catch (EncryptionException) when (!patience.IsCancellationRequested)
            {
                await Task.Delay(50);
            }
        }
    }
}
