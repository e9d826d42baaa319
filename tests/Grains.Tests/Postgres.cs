using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Obot.Data;

namespace Obot.Grains.Tests;

/// <summary>A PostgreSQL of its own for the collection, on a Unix socket, gone with it.</summary>
public sealed class Postgres : IAsyncLifetime
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"obot-{Path.GetRandomFileName()}");
    private Process? _server;
    private ServiceProvider? _services;
    private Encryption.TestSilo? _silo;

    public NpgsqlDataSource DataSource => _services!.GetRequiredService<NpgsqlDataSource>();
    public IDbContextFactory<ObotDb> Databases => _services!.GetRequiredService<IDbContextFactory<ObotDb>>();

    /// <summary>Encryption over this database.</summary>
    internal Encryption.TestSilo Silo => _silo!;

    public async ValueTask InitializeAsync()
    {
        var bin = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Last(path => File.Exists(Path.Combine(path, "initdb")))
            : throw new InvalidOperationException("These tests need PostgreSQL's server binaries under /usr/lib/postgresql (Debian: apt-get install postgresql).");
        Directory.CreateDirectory(_folder);
        if (Environment.UserName == "root")
        {
            await Process.Start("chown", ["postgres", _folder]).WaitForExitAsync();
        }

        var data = Path.Combine(_folder, "data");
        using (var initdb = Start(Path.Combine(bin, "initdb"), "-D", data, "-U", "obot", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"))
        {
            await initdb.WaitForExitAsync();
            Assert.Equal(0, initdb.ExitCode);
        }

        _server = Start(Path.Combine(bin, "postgres"), "-D", data, "-k", _folder, "-c", "listen_addresses=", "-c", "fsync=off");
        _services = Services("postgres");
        for (var tries = 0; ; tries++)
        {
            try
            {
                await SchemaUpgrade.RunAsync(DataSource);
                _silo = await Encryption.TestSilo.StartAsync(Databases);
                return;
            }
            catch (NpgsqlException) when (tries < 100)
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>A database of its own with the schema, gone with this one.</summary>
    public async Task<ServiceProvider> CreateDatabaseAsync()
    {
        var name = "t" + Guid.NewGuid().ToString("n");
        await using (var command = DataSource.CreateCommand($"CREATE DATABASE {name}"))
        {
            await command.ExecuteNonQueryAsync();
        }

        var services = Services(name);
        await SchemaUpgrade.RunAsync(services.GetRequiredService<NpgsqlDataSource>());
        return services;
    }

    private ServiceProvider Services(string database) =>
        new ServiceCollection().AddLogging().AddObotData($"Host={_folder};Username=obot;Database={database};Timeout=2;Maximum Pool Size=20").BuildServiceProvider();

    public async ValueTask DisposeAsync()
    {
        _silo?.Dispose();
        if (_services is not null)
        {
            await _services.DisposeAsync();
        }

        if (_server is not null)
        {
            _server.Kill(entireProcessTree: true);
            await _server.WaitForExitAsync();
            _server.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static Process Start(string file, params string[] arguments)
    {
        var start = new ProcessStartInfo(file, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/tmp" };
        if (Environment.UserName == "root")
        {
            start.UserName = "postgres";
        }

        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}

[CollectionDefinition(nameof(PostgresTests))]
public sealed class PostgresTests : ICollectionFixture<Postgres>;
