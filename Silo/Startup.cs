using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Llm;
using Obot.Silo.Configuration;
using Obot.Silo.Postgres;

namespace Obot.Silo;

/// <summary>What happens before the host exists and around its life; what fails here is one line of error and an exit code.</summary>
internal static partial class Startup
{
    private static readonly TimeSpan DatabasePatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ShutdownPatience = TimeSpan.FromSeconds(15);

    /// <summary>Starts our own PostgreSQL where none is configured, and brings its schema up to date.</summary>
    /// <returns>The connection string; null when it failed, which has been printed.</returns>
    public static async Task<string?> PrepareDatabaseAsync(ObotOptions options)
    {
        using var logging = LoggerFactory.Create(logging => logging.AddObotConsole());
        var logger = logging.CreateLogger("Obot.Silo");
        Banner.Print(logger, options);
        try
        {
            var connectionString = options.Database.ConnectionString is { Length: > 0 } configured
                ? configured
                : await new EmbeddedPostgres(options.DataFolder, logger, TimeProvider.System).EnsureRunningAsync(CancellationToken.None);
            await using var dataSource = NpgsqlDataSource.Create(connectionString);
            await WaitForAsync(dataSource, logger);
            await SchemaUpgrade.RunAsync(dataSource, logger);
            return connectionString;
        }
        catch (Exception exception) when (exception is NpgsqlException or SchemaTooNewException or EmbeddedPostgresException or TimeoutException or IOException or UnauthorizedAccessException)
        {
            logging.Dispose();
            await Console.Error.WriteLineAsync($"The database cannot be used: {exception.Message}");
            return null;
        }
    }

    public static async Task<int> RunAsync(WebApplication app)
    {
        var patience = ShutdownPatience + app.Services.GetRequiredService<IOptions<LlmOptions>>().Value.DrainTimeout;
        app.Lifetime.ApplicationStopping.Register(() => _ = EndAnywayAsync(patience));
        try
        {
            await app.RunAsync();
            return 0;
        }
        catch (Exception exception) when (exception is AddressInUseException or SocketException || exception.InnerException is AddressInUseException or SocketException)
        {
            await Console.Error.WriteLineAsync($"A port is taken: {exception.Message}");
            return 1;
        }
        catch (EncryptionException exception)
        {
            await Console.Error.WriteLineAsync($"Encryption at rest cannot start: {exception.Message}");
            return 1;
        }
    }

    /// <summary>A database that is gone must not keep the process: Orleans waits for it beyond the host's time-out.</summary>
    private static async Task EndAnywayAsync(TimeSpan patience)
    {
        await Task.Delay(patience);
        await Console.Error.WriteLineAsync($"The silo did not stop within {patience.TotalSeconds} s and ends as it is.");
        Environment.Exit(3);
    }

    private static async Task WaitForAsync(NpgsqlDataSource dataSource, ILogger logger)
    {
        var start = TimeProvider.System.GetTimestamp();
        for (var told = false; ; told = true)
        {
            try
            {
                await using var connection = await dataSource.OpenConnectionAsync();
                return;
            }
            catch (NpgsqlException exception) when (exception.IsTransient && TimeProvider.System.GetElapsedTime(start) < DatabasePatience)
            {
                if (!told)
                {
                    LogWaiting(logger, exception.Message);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(500));
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "PostgreSQL does not answer yet: {Reason}")]
    private static partial void LogWaiting(ILogger logger, string reason);
}
