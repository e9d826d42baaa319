using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Obot.Grains.Catalog;

/// <summary>
/// Search by trigrams, where the database lets us have the extension pg_trgm: names are found in spite of typing errors, and parts of
/// names by an index. Without it everything else of the search works.
/// </summary>
internal sealed partial class SearchIndex(NpgsqlDataSource database, ILogger<SearchIndex> logger) : BackgroundService
{
    private volatile bool _has;

    public async ValueTask<bool> HasTrigramsAsync(CancellationToken cancellationToken)
    {
        if (!_has)
        {
            await using var command = database.CreateCommand("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm')");
            _has = (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
        }

        return _has;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            // silos that start together take turns
            await using var command = database.CreateCommand(
                """
                SELECT pg_advisory_xact_lock(hashtext('pg_trgm'));
                CREATE EXTENSION IF NOT EXISTS pg_trgm;
                CREATE INDEX IF NOT EXISTS ix_mcp_catalog_entries_name_trigrams ON mcp_catalog_entries USING gin (name gin_trgm_ops)
                """);
            await command.ExecuteNonQueryAsync(stoppingToken);
        }
        catch (PostgresException e)
        {
            LogMissing(e.MessageText);
        }
        catch (Exception e) when (!stoppingToken.IsCancellationRequested)
        {
            LogMissing(e.Message);
        }
        catch (OperationCanceledException)
        {
        }
    }

    [LoggerMessage(LogLevel.Information, "The catalog is searched without trigrams, so not in spite of typing errors: {Reason}. An administrator of the database may run 'CREATE EXTENSION pg_trgm'.")]
    private partial void LogMissing(string reason);
}
