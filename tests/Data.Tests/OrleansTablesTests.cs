using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Grains.Storage;
using Orleans;
using Orleans.Configuration;
using Orleans.Hosting;
using Orleans.Runtime;
using Orleans.Storage;
using Xunit;

namespace Obot.Data.Tests;

/// <summary>Our statements under Orleans' own providers.</summary>
public sealed class OrleansTablesTests(PostgresFixture postgres)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Storage_WriteReadClear_EveryStaleWriterIsRefused()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        using var host = await StartAsync(database);
        var storage = host.Services.GetRequiredKeyedService<IGrainStorage>("Default");
        var id = GrainId.Create("thing", "a/b");

        var first = new GrainState<Sample>(new() { Text = "one", Number = 1 });
        await storage.WriteStateAsync("sample", id, first);
        var read = new GrainState<Sample>(new());
        await storage.ReadStateAsync("sample", id, read);
        Assert.Equal(("one", 1, true), (read.State!.Text, read.State.Number, read.RecordExists));
        Assert.Equal(first.ETag, read.ETag);

        first.State!.Text = "two";
        await storage.WriteStateAsync("sample", id, first);
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("sample", id, read));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.ClearStateAsync("sample", id, read));
        await Assert.ThrowsAsync<InconsistentStateException>(() => storage.WriteStateAsync("sample", id, new GrainState<Sample>(new())));

        await storage.ClearStateAsync("sample", id, first);
        var after = new GrainState<Sample>(new());
        await storage.ReadStateAsync("sample", id, after);
        Assert.False(after.RecordExists);
        await storage.WriteStateAsync("sample", id, after);
        Assert.True(after.RecordExists);

        // What a grain does that clears its state and goes on in the same activation.
        await storage.ClearStateAsync("sample", id, after);
        await storage.ReadStateAsync("sample", id, after);
        await storage.WriteStateAsync("sample", id, after);
    }

    [Fact]
    public async Task Storage_FirstWritersAtOnce_ExactlyOneWins()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        using var host = await StartAsync(database);
        var storage = host.Services.GetRequiredKeyedService<IGrainStorage>("Default");
        var id = GrainId.Create("thing", "raced");

        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(async i =>
        {
            try
            {
                await storage.WriteStateAsync("sample", id, new GrainState<Sample>(new() { Number = i }));
                return 1;
            }
            catch (InconsistentStateException)
            {
                return 0;
            }
        }));

        Assert.Equal(1, outcomes.Sum());
    }

    [Fact]
    public async Task Membership_StaleVersion_ChangesNothing()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        using var host = await StartAsync(database);
        var table = host.Services.GetRequiredService<IMembershipTable>();
        var all = await table.ReadAllAsync(Token);
        var self = Assert.Single(all.Members);
        Assert.Equal(SiloStatus.Active, self.Item1.Status);

        var stranger = new MembershipEntry
        {
            SiloAddress = SiloAddress.FromParsableString("127.0.0.1:1@5"), SiloName = "x", HostName = "x", Status = SiloStatus.Dead,
            StartTime = DateTime.UnixEpoch, IAmAliveTime = DateTime.UnixEpoch,
        };
        Assert.False(await table.InsertRowAsync(stranger, new TableVersion(all.Version.Version, (all.Version.Version - 1).ToString(CultureInfo.InvariantCulture)), Token));
        Assert.True(await table.InsertRowAsync(stranger, all.Version.Next(), Token));
        all = await table.ReadAllAsync(Token);
        Assert.False(await table.InsertRowAsync(stranger, all.Version.Next(), Token));
        Assert.Equal(all.Version.Version, (await table.ReadAllAsync(Token)).Version.Version);

        stranger.AddSuspector(self.Item1.SiloAddress, DateTime.UnixEpoch);
        Assert.True(await table.UpdateRowAsync(stranger, all.Members[0].Item2, all.Version.Next(), Token));
        Assert.Single((await table.ReadRowAsync(stranger.SiloAddress, Token)).Members[0].Item1.SuspectTimes!);
        await table.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UnixEpoch.AddDays(1), Token);
        Assert.Single((await table.ReadAllAsync(Token)).Members);
    }

    [Fact]
    public async Task Reminders_UpsertReadDelete_Work()
    {
        await using var database = await postgres.CreateDatabaseAsync(Token);
        using var host = await StartAsync(database);
        var table = host.Services.GetRequiredService<IReminderTable>();
        var id = GrainId.Create("task", "t1");
        var entry = new ReminderEntry { GrainId = id, ReminderName = "due", StartAt = DateTime.UnixEpoch.AddYears(60), Period = TimeSpan.FromDays(40) };

        var first = await table.UpsertRow(entry, Token);
        var second = await table.UpsertRow(entry, Token);
        Assert.NotEqual(first, second, StringComparer.Ordinal);
        var read = await table.ReadRow(id, "due", Token);
        Assert.Equal((entry.StartAt, entry.Period, second), (read!.StartAt, read.Period, read.ETag));
        Assert.Single((await table.ReadRows(id, Token)).Reminders);
        Assert.Single((await table.ReadRows(0, 0, Token)).Reminders);
        var hash = id.GetUniformHashCode();
        Assert.Single((await table.ReadRows(hash - 1, hash, Token)).Reminders);
        Assert.Empty((await table.ReadRows(hash, hash + 1, Token)).Reminders);
        Assert.Single((await table.ReadRows(hash + 1, hash, Token)).Reminders);
        Assert.False(await table.RemoveRow(id, "due", first!, Token));
        Assert.True(await table.RemoveRow(id, "due", second!, Token));
        Assert.Null(await table.ReadRow(id, "due", Token));
    }

    [Fact]
    public void StateSerializer_OtherRelease_SkipsUnknownAndKeepsInitialValues()
    {
        var serializer = new ObotStateSerializer();

        var read = serializer.Deserialize<Sample>(new BinaryData("""{"text":"x","later":{"a":[1]},"kind":"b"}"""));

        Assert.Equal(("x", 7, SampleKind.B), (read.Text, read.Number, read.Kind));
        Assert.Contains("\"kind\":\"b\"", serializer.Serialize(read).ToString(), StringComparison.Ordinal);
    }

    private static async Task<IHost> StartAsync(NpgsqlDataSource database)
    {
        await SchemaUpgrade.RunAsync(database, cancellationToken: Token);
        var orleans = NpgsqlDataSource.Create(DataServices.ForOrleans(database.ConnectionString));
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.UseOrleans(silo =>
        {
            silo.UseAdoNetClustering(options => (options.Invariant, options.DataSource) = ("Npgsql", orleans));
            silo.UseAdoNetReminderService(options => (options.Invariant, options.DataSource) = ("Npgsql", orleans));
            silo.AddAdoNetGrainStorageAsDefault(options =>
            {
                (options.Invariant, options.DataSource, options.DeleteStateOnClear) = ("Npgsql", orleans, true);
                options.GrainStorageSerializer = new ObotStateSerializer();
            });
            silo.ConfigureEndpoints(System.Net.IPAddress.Loopback, Random.Shared.Next(20000, 32000), 0);
            silo.Configure<ClusterOptions>(options => (options.ServiceId, options.ClusterId) = ("obot", "test"));
        });
        var host = builder.Build();
        await host.StartAsync(Token);
        return host;
    }

    private sealed class Sample
    {
        public string Text { get; set; } = "";
        public int Number { get; set; } = 7;
        public SampleKind Kind { get; set; }
    }

    private enum SampleKind
    {
        A,
        B,
    }
}
