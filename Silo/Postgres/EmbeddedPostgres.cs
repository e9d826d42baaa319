using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;
using Obot.Silo.Configuration;

namespace Obot.Silo.Postgres;

/// <summary>
/// A PostgreSQL of our own in the data folder: found or unpacked, initialized once, started as a daemon that outlives the silo
/// that started it. Silos that start at once on the same folder take turns by a file lock and share it. No silo ever stops it.
/// </summary>
/// <remarks>
/// <c>postgres/data</c> the cluster, <c>postgres/server.log</c> its log, <c>postgres.password</c> (0600) the password, <c>postgres.lock</c> the lock.
/// </remarks>
internal sealed partial class EmbeddedPostgres(string dataFolder, ILogger logger, TimeProvider time)
{
    private const string User = "obot";
    private const string Database = "obot";
    private static readonly TimeSpan LockPatience = TimeSpan.FromMinutes(3);

    private string Home => Path.Combine(dataFolder, "postgres");
    private string Cluster => Path.Combine(Home, "data");
    private string PasswordFile => Path.Combine(dataFolder, "postgres.password");

    /// <exception cref="EmbeddedPostgresException">It cannot be found, initialized or started; the message says what to do.</exception>
    /// <returns>Connection string.</returns>
    public async Task<string> EnsureRunningAsync(CancellationToken cancellationToken)
    {
        await using var folderLock = await LockAsync(cancellationToken);
        var lockFile = PostmasterLock.Read(Cluster);
        if (lockFile is not { IsAlive: true })
        {
            lockFile = await StartAsync(cancellationToken);
        }

        var connectionString = new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = lockFile.Port,
            Username = User,
            Password = (await File.ReadAllTextAsync(PasswordFile, cancellationToken)).Trim(),
            Database = Database,
            Timeout = 5,
        };
        await CreateDatabaseAsync(connectionString, cancellationToken);
        return connectionString.ConnectionString;
    }

    private async Task<PostmasterLock> StartAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var binaries = await PostgresBinaries.FindAsync(dataFolder, logger, cancellationToken);
        var account = PostgresAccount.For(dataFolder, binaries.Folder);
        if (!File.Exists(Path.Combine(Cluster, "PG_VERSION")))
        {
            await InitializeAsync(binaries, account, cancellationToken);
        }

        PostmasterLock.RemoveStale(Cluster);
        await WriteSettingsAsync(account, cancellationToken);
        var result = await account.RunAsync(
            binaries.PgCtl,
            ["start", "-w", "-t", "60", "-s", "-D", Cluster, "-l", Path.Combine(Home, "server.log")],
            cancellationToken);
        var lockFile = PostmasterLock.Read(Cluster);
        if (result.ExitCode != 0 || lockFile is not { IsAlive: true })
        {
            throw new EmbeddedPostgresException($"PostgreSQL did not start: {result.Output.Trim()} {LastLogLines()}");
        }

        LogStarted(logger, lockFile.Pid, lockFile.Port, account.Name, (long)time.GetElapsedTime(started).TotalMilliseconds);
        return lockFile;
    }

    private async Task InitializeAsync(PostgresBinaries binaries, PostgresAccount account, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Home);
        if (!File.Exists(PasswordFile))
        {
            PrivateFile.Create(PasswordFile, System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24))));
        }

        // initdb reads the password as the other user; it works in a draft folder, so that a crash leaves nothing half made.
        var draft = Path.Combine(Home, "data.new");
        var passwordForInit = Path.Combine(Home, "initdb.password");
        if (Directory.Exists(draft))
        {
            Directory.Delete(draft, recursive: true);
        }

        File.Delete(passwordForInit);
        PrivateFile.Create(passwordForInit, await File.ReadAllBytesAsync(PasswordFile, cancellationToken));
        try
        {
            await account.TakeAsync(Home, cancellationToken);
            var result = await account.RunAsync(
                binaries.InitDb,
                ["-D", draft, "-U", User, "-A", "scram-sha-256", $"--pwfile={passwordForInit}", "-E", "UTF8", "--no-locale", "--no-instructions"],
                cancellationToken);
            if (result.ExitCode != 0)
            {
                throw new EmbeddedPostgresException($"initdb failed: {result.Output.Trim()}");
            }
        }
        finally
        {
            File.Delete(passwordForInit);
        }

        await File.AppendAllTextAsync(Path.Combine(draft, "postgresql.conf"), "\ninclude_if_exists = 'obot.conf'\n", cancellationToken);
        Directory.Move(draft, Cluster);
    }

    private async Task WriteSettingsAsync(PostgresAccount account, CancellationToken cancellationToken)
    {
        var path = Path.Combine(Cluster, "obot.conf");
        var port = File.Exists(path) ? PostgresSettings.ReadPort(await File.ReadAllTextAsync(path, cancellationToken)) : 0;
        if (port == 0 || !IsFree(port))
        {
            port = FreePort();
        }

        await File.WriteAllTextAsync(path, PostgresSettings.Text(port), cancellationToken);
        await account.TakeAsync(path, cancellationToken);
    }

    private static async Task CreateDatabaseAsync(NpgsqlConnectionStringBuilder connectionString, CancellationToken cancellationToken)
    {
        await using var server = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString.ConnectionString) { Database = "postgres", Pooling = false });
        await using var exists = server.CreateCommand("SELECT count(*) FROM pg_database WHERE datname = 'obot'");
        if (await exists.ExecuteScalarAsync(cancellationToken) is 0L)
        {
            await using var create = server.CreateCommand("CREATE DATABASE obot");
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        var path = Path.Combine(dataFolder, "postgres.lock");
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (File.Exists(path) && time.GetElapsedTime(start) < LockPatience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
            }
        }
    }

    private string LastLogLines()
    {
        var path = Path.Combine(Home, "server.log");
        return File.Exists(path) ? string.Join(" | ", File.ReadLines(path).TakeLast(3)) : "";
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [LoggerMessage(LogLevel.Information, "PostgreSQL started: pid {Pid}, 127.0.0.1:{Port}, user {User}, {Milliseconds} ms")]
    private static partial void LogStarted(ILogger logger, int pid, int port, string user, long milliseconds);
}

/// <summary>Our own PostgreSQL is not to be had; the message says why and what to do.</summary>
internal sealed class EmbeddedPostgresException(string message) : Exception(message);
