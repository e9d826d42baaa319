using NSubstitute;
using Microsoft.Extensions.Logging.Abstractions;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Policies;
using System.Security.Cryptography;
using Npgsql;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Filters;
using Obot.Grains.Encryption.Columns;
using Obot.Grains.Hosting;
using Obot.Grains.Identity;

namespace Obot.Grains.Tests.Encryption;

/// <summary>What an installation from before encryption looks like afterwards.</summary>
[Collection(nameof(PostgresTests))]
public sealed class UpgradeTests(Postgres postgres)
{
    private const string Planted = "planted-secret-4711";
    private static readonly Principal Owner = new("o", Role.Owner, "c", Scopes.All);

    [Fact]
    public async Task Plaintext_OfEveryColumn_IsReadAndBecomesCiphertext()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        var secret = RandomNumberGenerator.GetBytes(32);
        await PlantAsync(database, secret);
        Assert.Equal(5, (await database.TablesWithAsync(Planted)).Count);

        using var silo = await TestSilo.StartAsync(database.Databases);
        var keys = new ClusterKeys(database.Databases, silo.Encryption, TimeProvider.System);
        await keys.StartingAsync(default);
        Assert.Equal(secret, keys.Secret);
        var plans = Plans(database, silo.Encryption);
        await CheckPlanAsync(plans);
        var before = await silo.Admin(database).Get(Owner, default);
        Assert.True(before.Remaining >= 6, $"{before.Remaining} rows wait");

        await silo.Reencryption(database).TryPassAsync(default);

        Assert.Empty(await database.TablesWithAsync(Planted));
        Assert.Empty(await database.TablesWithAsync(Convert.ToHexStringLower(secret)));
        Assert.Equal(0, (await silo.Admin(database).Get(Owner, default)).Remaining);
        await CheckPlanAsync(plans);
        var again = new ClusterKeys(database.Databases, silo.Encryption, TimeProvider.System);
        await again.StartingAsync(default);
        Assert.Equal(secret, again.Secret);
        Assert.Equal(keys.Authority.Thumbprint, again.Authority.Thumbprint);
        Assert.Equal(7, await database.ScalarAsync<int>("SELECT version FROM orleans_storage"));

        // with everything converted, plaintext may be refused
        using var strict = await TestSilo.StartAsync(database.Databases, new() { ReadPlaintext = false });
        await new ClusterKeys(database.Databases, strict.Encryption, TimeProvider.System).StartingAsync(default);
        await database.ExecuteAsync("UPDATE mcp_server_values SET values = '{}'");
        await Assert.ThrowsAsync<CiphertextException>(() => Plans(database, strict.Encryption).FindAsync(McpInstanceId.Shared("ms1"), default));
    }

    private static ServerPlans Plans(TestDatabase database, IEncryption encryption)
    {
        var feed = Substitute.For<ISecurityFeed>();
        return new(
            database.Databases,
            new ServerInstances(database.Databases, TimeProvider.System),
            new ServerAccess(database.Databases, feed, TimeProvider.System, NullLogger<ServerAccess>.Instance),
            new ServerFilters(database.Databases, Substitute.For<IServerDirectory>(), encryption, feed, TimeProvider.System, NullLogger<ServerFilters>.Instance),
            feed,
            encryption);
    }

    [Fact]
    public async Task Attack_RowsSwapped_RefusedEverywhere()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        await new ClusterKeys(database.Databases, silo.Encryption, TimeProvider.System).StartingAsync(default);
        await database.ExecuteAsync("UPDATE cluster_keys a SET material = b.material FROM cluster_keys b WHERE a.id = 'secret-1' AND b.id = 'assertion-1'");
        var error = await Assert.ThrowsAsync<CiphertextException>(() => new ClusterKeys(database.Databases, silo.Encryption, TimeProvider.System).StartingAsync(default));
        Assert.Contains("secret-1", error.Message, StringComparison.Ordinal);

        // neither does re-encryption launder it
        await silo.Table.RotateAsync(default);
        await silo.Keys.RefreshAsync(default);
        await silo.Reencryption(database).TryPassAsync(default);
        Assert.Equal(1, (await silo.Admin(database).Get(Owner, default)).Remaining);
        await Assert.ThrowsAsync<CiphertextException>(() => new ClusterKeys(database.Databases, silo.Encryption, TimeProvider.System).StartingAsync(default));
    }

    [Fact]
    public async Task Pass_OfTwoSilosAtOnce_OneWaits()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        await using var other = await database.DataSource.OpenConnectionAsync();
        await using (var command = new NpgsqlCommand("SELECT pg_advisory_lock($1)", other) { Parameters = { new() { Value = 0x7265656e63727970L } } })
        {
            await command.ExecuteNonQueryAsync();
        }

        await PlantAsync(database, new byte[32]);
        Assert.Equal(TimeSpan.FromSeconds(5), await silo.Reencryption(database).TryPassAsync(default));
        Assert.Equal(5, (await database.TablesWithAsync(Planted)).Count);
    }

    [Fact]
    public async Task ManyRows_OneBatchAfterTheOther_AllConverted()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        await database.ExecuteAsync(
            "INSERT INTO orleans_storage (service_id, state_name, key_text, key_n0, key_n1, version, payload) SELECT 'obot', 's' || i % 3, 'k' || i, 0, 0, 1, '{\"a\":1}' FROM generate_series(1, 1234) i");
        await silo.Reencryption(database).TryPassAsync(default);
        Assert.Equal(0, (await silo.Admin(database).Get(Owner, default)).Remaining);
        Assert.Equal(1234L, await database.ScalarAsync<long>("SELECT count(*) FROM orleans_storage"));
    }

    [Fact]
    public void Columns_AreNamedAsThePlacesOfTheirValues() =>
        Assert.All(EncryptedColumn.All.Where(column => column.Id is null), column => Assert.Equal(new SecretPlace(column.Table, "x", column.Column), column.PlaceOf(["x"])));

    private static async Task CheckPlanAsync(ServerPlans plans)
    {
        var plan = await plans.FindAsync(McpInstanceId.Shared("ms1"), default);
        Assert.Equal(Planted, plan!.Manifest.Env[0].Value);
        Assert.Equal(Planted, plan.Values["KEY"]);
    }

    private static async Task PlantAsync(TestDatabase database, byte[] secret)
    {
        await database.ExecuteAsync("INSERT INTO cluster_keys VALUES ('secret-1', 'secret', $1, now()), ('other', 'x', $2, now())", secret, System.Text.Encoding.UTF8.GetBytes(Planted));
        await database.ExecuteAsync($"INSERT INTO data_protection_keys VALUES ('key-1', '<key><value>{Planted}</value></key>')");
        await database.ExecuteAsync(
            "INSERT INTO mcp_servers VALUES ('ms1', 'u', 'n', $1::jsonb, 1, false, now(), now())", $$"""{"name":"n","runtime":"npx","serverUserType":"multiUser","env":[{"key":"S","sensitive":true,"value":"{{Planted}}"}]}""");
        await database.ExecuteAsync($$"""INSERT INTO mcp_server_values VALUES ('ms1', 'ms1', '{"KEY":"{{Planted}}"}', now())""");
        await database.ExecuteAsync(
            "INSERT INTO orleans_storage (service_id, state_name, key_text, key_n0, key_n1, version, payload) VALUES ('obot', 'thing', 'a/b', 0, 0, 7, $1)", System.Text.Encoding.UTF8.GetBytes($$"""{"text":"{{Planted}}"}"""));
    }
}
