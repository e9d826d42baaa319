using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Encryption;
using Obot.Grains.Security;

namespace Obot.Grains.Tests.Encryption;

[Collection(nameof(PostgresTests))]
public sealed class RotationTests(Postgres postgres)
{
    private static readonly SecretPlace Place = new("t", "1", "c");
    private static readonly Principal Owner = new("o", Role.Owner, "c", Scopes.All);

    [Fact]
    public async Task FirstKeys_MadeByEightSilosAtOnce_AreOne()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        var silos = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => TestSilo.StartAsync(database.Databases)));
        Assert.Single(silos.Select(silo => silo.Keys.Active.Id).Distinct());
        Assert.Single(silos.Select(silo => Convert.ToHexString(silo.Encryption.BlindIndex("p", "v"))).Distinct());
        Assert.Equal(2L, await database.ScalarAsync<long>("SELECT count(*) FROM data_keys"));
        var stored = silos[0].Encryption.Encrypt(Place, "x"u8);
        Assert.All(silos, silo => Assert.Equal("x"u8.ToArray(), silo.Encryption.Decrypt(Place, stored)));
        Array.ForEach(silos, silo => silo.Dispose());
    }

    [Fact]
    public async Task Rotation_OnOneSilo_IsUsedByTheOtherWithinASecond()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var feed = new SecurityFeed(database.DataSource, TimeProvider.System, NullLogger<SecurityFeed>.Instance);
        await feed.StartAsync(default);
        using var first = await TestSilo.StartAsync(database.Databases);
        using var second = await TestSilo.StartAsync(database.Databases, feed: feed);
        while (feed.Staleness > TimeSpan.FromSeconds(1))
        {
            await Task.Delay(20);
        }

        var before = first.Encryption.Encrypt(Place, "before"u8);
        var index = first.Encryption.BlindIndex("p", "v");
        var start = Stopwatch.GetTimestamp();
        var key = await first.Table.RotateAsync(default);
        while (second.Keys.Active.Id != key)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1), "the other silo did not follow within a second");
            await Task.Delay(10);
        }

        Assert.Equal("before"u8.ToArray(), second.Encryption.Decrypt(Place, before));
        Assert.Equal(index, second.Encryption.BlindIndex("p", "v"));

        // the silo that heard nothing yet meets the key in a value
        var after = second.Encryption.Encrypt(Place, "after"u8);
        Assert.NotEqual(key, first.Keys.Active.Id);
        Assert.Equal("after"u8.ToArray(), first.Encryption.Decrypt(Place, after));
        await feed.StopAsync(default);
    }

    [Fact]
    public async Task Rotation_WhileOthersWrite_LosesNothing()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var first = await TestSilo.StartAsync(database.Databases);
        using var second = await TestSilo.StartAsync(database.Databases);
        await database.ExecuteAsync("INSERT INTO mcp_servers SELECT 'ms' || i, 'u', 'n', '{}', 1, false, now(), now() FROM generate_series(0, 39) i");
        using var stop = new CancellationTokenSource();
        var expected = new ConcurrentDictionary<int, string>();
        var writers = Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            for (var n = 0; !stop.IsCancellationRequested; n++)
            {
                var row = (n % 10 * 4) + writer;
                var encryption = (n % 2 == 0 ? first : second).Encryption;
                var text = string.Create(CultureInfo.InvariantCulture, $"{writer}:{n}");
                await database.ExecuteAsync(
                    "UPDATE mcp_servers SET manifest = to_jsonb($2::text), revision = revision + 1 WHERE id = $1", $"ms{row}", encryption.EncryptText(new("mcp_servers", $"ms{row}", "manifest"), text));
                expected[row] = text;
            }
        })).ToArray();

        for (var round = 0; round < 5; round++)
        {
            await first.Table.RotateAsync(default);
            await Task.WhenAll(first.Keys.RefreshAsync(default), second.Keys.RefreshAsync(default));
            await Task.WhenAll(first.Reencryption(database).TryPassAsync(default), second.Reencryption(database).TryPassAsync(default));
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await first.Reencryption(database).TryPassAsync(default);
        foreach (var (row, text) in expected)
        {
            var stored = await database.ScalarAsync<string>($"SELECT manifest #>> '{{}}' FROM mcp_servers WHERE id = 'ms{row}'");
            Assert.Equal(text, second.Encryption.DecryptText(new("mcp_servers", $"ms{row}", "manifest"), stored));
        }

        var view = await first.Admin(database).Get(Owner, default);
        Assert.Equal((0, first.Keys.Active.Id), (view.Remaining, view.ActiveKey));
        Assert.Equal(40, view.Columns.Single(column => column.Column == "mcp_servers.manifest").Values);
    }

    [Fact]
    public async Task Key_Superseded_IsRetiredOnceNothingNeedsIt()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var silo = await TestSilo.StartAsync(database.Databases, time: time);
        var old = silo.Keys.Active.Id;
        var stored = silo.Encryption.Encrypt(new("cluster_keys", "k", "material"), "m"u8);
        await database.ExecuteAsync("INSERT INTO cluster_keys VALUES ('k', 'p', $1, now())", stored);
        var view = await silo.Admin(database).Rotate(Owner, default);
        Assert.Equal(1, view.Remaining);
        await silo.Keys.RefreshAsync(default);
        await silo.Reencryption(database).TryPassAsync(default);
        Assert.Equal("superseded", (await StateAsync()).State);

        time.Advance(TimeSpan.FromSeconds(16));
        await silo.Reencryption(database).TryPassAsync(default);
        Assert.Equal("retired", (await StateAsync()).State);
        Assert.Equal(0, (await silo.Admin(database).Get(Owner, default)).Remaining);
        await silo.Keys.RefreshAsync(default);

        // a value out of a backup still opens
        Assert.Equal("m"u8.ToArray(), silo.Encryption.Decrypt(new("cluster_keys", "k", "material"), stored));

        async Task<DataKeyView> StateAsync() => (await silo.Admin(database).Get(Owner, default)).Keys.Single(key => key.Id == old);
    }

    [Fact]
    public async Task Key_StillNeeded_IsNotRetired()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var silo = await TestSilo.StartAsync(database.Databases, time: time);
        var stored = silo.Encryption.Encrypt(new("cluster_keys", "other", "material"), "m"u8);
        await database.ExecuteAsync("INSERT INTO cluster_keys VALUES ('moved', 'p', $1, now())", stored);
        await silo.Table.RotateAsync(default);
        await silo.Keys.RefreshAsync(default);
        time.Advance(TimeSpan.FromMinutes(10));
        await silo.Reencryption(database).TryPassAsync(default);
        var view = await silo.Admin(database).Get(Owner, default);
        Assert.Equal(1, view.Remaining);
        Assert.DoesNotContain(view.Keys, key => key.State == "retired");
    }

    [Fact]
    public async Task Rotation_ByOthersThanTheOwner_Refused()
    {
        var admin = postgres.Silo.Admin(postgres.DataSource);
        await Assert.ThrowsAsync<NotAllowedException>(() => admin.Rotate(Owner with { Role = Role.Admin }, default));
        await Assert.ThrowsAsync<NotAllowedException>(() => admin.Get(Owner with { Role = Role.PowerPlus }, default));
        Assert.NotNull(await admin.Get(Owner with { Role = Role.Admin }, default));
    }
}
