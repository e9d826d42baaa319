using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Obot.Benchmarks.Reports;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Encryption;
using Obot.Grains.Security;
using Obot.Grains.Storage;
using Orleans.Configuration;
using Orleans.Storage;

namespace Obot.Benchmarks.Storage;

/// <summary>Grain state of 1 KB written by 64 grains at once, with and without encryption, in turns on the same database.</summary>
/// <param name="Ratio">Encrypted against plain, within each round, median of the rounds.</param>
/// <param name="Microseconds">To encrypt and decrypt 1 KB.</param>
internal sealed record StorageFigure(double PlainPerSecond, double EncryptedPerSecond, double Ratio, double Microseconds)
{
    private const string Plain = "plain";
    private const int Writers = 64;
    private const int Rounds = 7;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);
    private static readonly string Text = RandomNumberGenerator.GetHexString(1000);

    /// <param name="server">A PostgreSQL; the figures are taken in a database of their own.</param>
    public static async Task<StorageFigure> TakeAsync(string server)
    {
        var name = $"bench{Guid.CreateVersion7():n}";
        await using (var connection = new NpgsqlConnection(server))
        {
            await connection.OpenAsync();
#pragma warning disable CA2100 // a name of our own making
            await using var create = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
#pragma warning restore CA2100
            await create.ExecuteNonQueryAsync();
        }

        using var host = await StartAsync(new NpgsqlConnectionStringBuilder(server) { Database = name }.ConnectionString);
        var plain = host.Services.GetRequiredKeyedService<IGrainStorage>(Plain);
        var encrypted = host.Services.GetRequiredKeyedService<IGrainStorage>("Default");
        await WriteAsync(plain, "warm-p");
        await WriteAsync(encrypted, "warm-e");
        var rounds = new List<(double Plain, double Encrypted)>();
        for (var round = 0; round < Rounds; round++)
        {
            // whoever comes second finds more rows and more dirty pages
            var first = round % 2 == 0 ? await WriteAsync(plain, $"p{round}") : 0;
            var second = await WriteAsync(encrypted, $"e{round}");
            rounds.Add((round % 2 == 0 ? first : await WriteAsync(plain, $"p{round}"), second));
        }

        var microseconds = Encrypt(host.Services.GetRequiredService<IEncryption>());
        await host.StopAsync();
        return new(
            Ratios.Median(rounds.Select(round => round.Plain)),
            Ratios.Median(rounds.Select(round => round.Encrypted)),
            Ratios.Median(rounds.Select(round => round.Encrypted / round.Plain)),
            microseconds);
    }

    private static async Task<IHost> StartAsync(string connectionString)
    {
        await using (var database = NpgsqlDataSource.Create(connectionString))
        {
            await SchemaUpgrade.RunAsync(database);
        }

        var orleans = NpgsqlDataSource.Create(DataServices.ForOrleans(connectionString));
        var builder = Host.CreateEmptyApplicationBuilder(new());
        builder.Configuration[$"{EncryptionOptions.Section}:Local:Key"] = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        builder.Services.AddObotData(connectionString).AddSingleton(TimeProvider.System).AddSingleton<ISecurityFeed, SecurityFeed>();
        builder.Services.AddEncryption(builder.Configuration);
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(Fixtures.Child.FreePort(), 0);
            silo.AddEncryptedGrainStorage(Configure);
            silo.AddAdoNetGrainStorage(Plain, options =>
            {
                Configure(options);
                options.GrainStorageSerializer = new ObotStateSerializer();
            });
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;

        void Configure(AdoNetGrainStorageOptions options) => (options.Invariant, options.DataSource) = ("Npgsql", orleans);
    }

    private static async Task<double> WriteAsync(IGrainStorage storage, string name)
    {
        var start = Stopwatch.GetTimestamp();
        var counts = await Task.WhenAll(Enumerable.Range(0, Writers).Select(async writer =>
        {
            var id = GrainId.Create("bench", $"{name}-{writer}");
            var state = new GrainState<State>(new());
            var count = 0;
            for (; Stopwatch.GetElapsedTime(start) < Turn; count++)
            {
                state.State!.Count = count;
                await storage.WriteStateAsync("bench", id, state);
            }

            return count;
        }));
        return counts.Sum() / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Encrypt(IEncryption encryption)
    {
        const int Times = 20_000;
        var bytes = RandomNumberGenerator.GetBytes(1024);
        var place = new SecretPlace("bench", "1", "value");
        var passes = new List<double>();
        for (var pass = 0; pass < 5; pass++)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Times; i++)
            {
                encryption.Decrypt(place, encryption.Encrypt(place, bytes));
            }

            passes.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds / Times);
        }

        return Ratios.Median(passes);
    }

    private sealed class State
    {
        public int Count { get; set; }

        public string Value { get; set; } = StorageFigure.Text;
    }
}
