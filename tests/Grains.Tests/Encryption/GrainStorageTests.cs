using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Storage;
using Orleans.Configuration;
using Orleans.Storage;

namespace Obot.Grains.Tests.Encryption;

/// <summary>The decorator over Orleans' own ADO.NET storage and our statements.</summary>
[Collection(nameof(PostgresTests))]
public sealed class GrainStorageTests(Postgres postgres)
{
    private const string Planted = "planted-secret-0815";
    private static readonly GrainId Id = GrainId.Create("thing", "a/b");

    [Fact]
    public async Task State_WriteReadClear_StaleWritersAreRefused()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        using var host = await StartAsync(database, silo);
        var storage = Storage(host);

        var first = new GrainState<Sample>(new() { Text = Planted });
        await storage.WriteStateAsync("sample", Id, first);
        Assert.True(first.RecordExists);
        var read = new GrainState<Sample>(new());
        await storage.ReadStateAsync("sample", Id, read);
        Assert.Equal((Planted, true, first.ETag), (read.State!.Text, read.RecordExists, read.ETag));
        Assert.Empty(await database.TablesWithAsync(Planted));

        first.State!.Text = "two";
        await storage.WriteStateAsync("sample", Id, first);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("sample", Id, read));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("sample", Id, read));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("sample", Id, new GrainState<Sample>(new())));

        await storage.ClearStateAsync("sample", Id, first);
        Assert.Equal("", first.State.Text);
        var after = new GrainState<Sample>(new());
        await storage.ReadStateAsync("sample", Id, after);
        Assert.False(after.RecordExists);
        await storage.WriteStateAsync("sample", Id, after);
        Assert.True(after.RecordExists);
    }

    [Fact]
    public async Task State_ReencryptedUnderAnActivation_KeepsItsETag()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        using var host = await StartAsync(database, silo);
        GrainId[] ids = [Id, GrainId.Create(GrainType.Create("thing"), GrainIdKeyExtensions.CreateGuidKey(Guid.NewGuid())), GrainId.Create(GrainType.Create("thing"), GrainIdKeyExtensions.CreateIntegerKey(-42, "ext"))];
        foreach (var id in ids)
        {
            var state = new GrainState<Sample>(new() { Text = "one" });
            await Storage(host).WriteStateAsync("sample", id, state);
            await silo.Table.RotateAsync(default);
            await silo.Keys.RefreshAsync(default);
            await silo.Reencryption(database).TryPassAsync(default);
            Assert.Equal(0L, await database.ScalarAsync<long>($"SELECT count(*) FROM orleans_storage WHERE substring(payload from 5 for 8) <> decode('{silo.Keys.Active.Id}', 'hex')"));
            state.State!.Text = "two";
            await Storage(host).WriteStateAsync("sample", id, state);
            var read = new GrainState<Sample>(new());
            await Storage(host).ReadStateAsync("sample", id, read);
            Assert.Equal("two", read.State!.Text);
        }
    }

    [Fact]
    public async Task State_OfAnOlderRelease_IsReadAndEncryptedByTheNextWrite()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        using var host = await StartAsync(database, silo);
        await database.ExecuteAsync(
            "INSERT INTO orleans_storage (service_id, state_name, key_text, key_n0, key_n1, version, payload) VALUES ('obot', 'sample', 'a/b', 0, 0, 3, $1)",
            System.Text.Encoding.UTF8.GetBytes($$"""{"text":"{{Planted}}"}"""));
        var state = new GrainState<Sample>(new());
        await Storage(host).ReadStateAsync("sample", Id, state);
        Assert.Equal((Planted, "3"), (state.State!.Text, state.ETag));
        Assert.Single(await database.TablesWithAsync(Planted));
        await Storage(host).WriteStateAsync("sample", Id, state);
        Assert.Empty(await database.TablesWithAsync(Planted));
    }

    [Fact]
    public async Task Attack_StateOfAnotherGrain_Refused()
    {
        await using var database = await TestDatabase.CreateAsync(postgres);
        using var silo = await TestSilo.StartAsync(database.Databases);
        using var host = await StartAsync(database, silo);
        await Storage(host).WriteStateAsync("sample", Id, new GrainState<Sample>(new() { Text = "mine" }));
        await Storage(host).WriteStateAsync("sample", GrainId.Create("thing", "victim"), new GrainState<Sample>(new() { Text = "victim's" }));
        await Storage(host).WriteStateAsync("other", GrainId.Create("thing", "victim"), new GrainState<Sample>(new() { Text = "other state" }));

        await database.ExecuteAsync("UPDATE orleans_storage SET payload = (SELECT payload FROM orleans_storage WHERE key_text = 'a/b') WHERE key_text = 'victim'");

        var error = await Assert.ThrowsAsync<CiphertextException>(() => Storage(host).ReadStateAsync("sample", GrainId.Create("thing", "victim"), new GrainState<Sample>(new())));
        Assert.Contains("sample/0/0/victim", error.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<CiphertextException>(() => Storage(host).ReadStateAsync("other", GrainId.Create("thing", "victim"), new GrainState<Sample>(new())));
    }

    private static IGrainStorage Storage(IHost host) => host.Services.GetRequiredKeyedService<IGrainStorage>("Default");

    private static async Task<IHost> StartAsync(TestDatabase database, TestSilo silo)
    {
        var orleans = NpgsqlDataSource.Create(DataServices.ForOrleans(database.DataSource.ConnectionString));
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Services.AddSingleton<IEncryption>(silo.Encryption);
        builder.UseOrleans(orleansSilo =>
        {
            orleansSilo.UseLocalhostClustering(Random.Shared.Next(20000, 32000), 0);
            orleansSilo.AddEncryptedGrainStorage(options => (options.Invariant, options.DataSource, options.DeleteStateOnClear) = ("Npgsql", orleans, true));
            orleansSilo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = ("obot", "test"));
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    private sealed class Sample
    {
        public string Text { get; set; } = "";
    }
}
