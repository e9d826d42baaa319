using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using Xunit;

[assembly: AssemblyFixture(typeof(Obot.Data.Tests.PostgresFixture))]

[assembly: System.Runtime.Versioning.SupportedOSPlatform("linux")]

namespace Obot.Data.Tests;

/// <summary>A real PostgreSQL from the system's binaries in a folder of its own; every test takes its own database.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("obot-data-tests-").FullName;
    private readonly int _port = FreePort();
    private string _binaries = "";

    public async ValueTask InitializeAsync()
    {
        _binaries = Directory.EnumerateDirectories("/usr/lib/postgresql").Select(folder => Path.Combine(folder, "bin")).Where(folder => File.Exists(Path.Combine(folder, "initdb"))).Order(StringComparer.Ordinal).Last();
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
        var home = Directory.CreateDirectory(Path.Combine(_folder, "pg")).FullName;
        if (Environment.UserName == "root")
        {
            await Run("chown", "postgres", home);
        }

        await RunAsPostgres("initdb", "-D", $"{home}/data", "-U", "obot", "-A", "trust", "-E", "UTF8", "--no-locale", "-N");
        await RunAsPostgres(
            "pg_ctl", "start", "-w", "-D", $"{home}/data", "-l", $"{home}/log", "-o",
            string.Create(CultureInfo.InvariantCulture, $"-p {_port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"));
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsPostgres("pg_ctl", "stop", "-m", "immediate", "-D", $"{_folder}/pg/data");
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>A new, empty database.</summary>
    public async Task<NpgsqlDataSource> CreateDatabaseAsync(CancellationToken cancellationToken)
    {
        var name = "t" + Guid.NewGuid().ToString("n");
        await using var server = NpgsqlDataSource.Create(ConnectionString("postgres"));
        await using var create = server.CreateCommand($"CREATE DATABASE {name}");
        await create.ExecuteNonQueryAsync(cancellationToken);
        return NpgsqlDataSource.Create(ConnectionString(name));
    }

    private string ConnectionString(string database) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username=obot;Database={database};Maximum Pool Size=10");

    private Task RunAsPostgres(string program, params string[] arguments) => Environment.UserName == "root"
        ? Run("setpriv", ["--reuid=postgres", "--regid=postgres", "--clear-groups", Path.Combine(_binaries, program), .. arguments])
        : Run(Path.Combine(_binaries, program), arguments);

    private static async Task Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = "/", UseShellExecute = false, RedirectStandardOutput = true })!;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
