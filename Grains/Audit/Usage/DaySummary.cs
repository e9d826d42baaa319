using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Obot.Data;

namespace Obot.Grains.Audit.Usage;

/// <summary>
/// Sums up days that are over, once each, and again when calls of such a day come late (a trigger opens it then): so statistics over months read
/// some rows a day and server. One silo of the cluster at a time; days of a database from before are summed up one after the other, newest first.
/// </summary>
internal sealed partial class DaySummary(RecordPools pools, TimeProvider time, ILogger<DaySummary> logger) : BackgroundService
{
    /// <summary>Class of the lock of a day, as in the trigger.</summary>
    private const int Lock = 1684109683;

    /// <summary>Most records of a day are there by then.</summary>
    private static readonly TimeSpan AfterMidnight = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    /// <summary>Sums up what there is to be; how many days.</summary>
    public async Task<int> SumUpAsync(CancellationToken cancellationToken)
    {
        await using var connection = await pools.Writes.OpenConnectionAsync(cancellationToken);
        if (!(bool)(await ScalarAsync(connection, $"SELECT pg_try_advisory_lock({Lock})", cancellationToken))!)
        {
            return 0;
        }

        try
        {
            var days = await OpenDaysAsync(connection, cancellationToken);
            foreach (var day in days)
            {
                await SumUpAsync(connection, day, cancellationToken);
            }

            return days.Count;
        }
        finally
        {
            await ScalarAsync(connection, $"SELECT pg_advisory_unlock({Lock})", CancellationToken.None);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await SumUpAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                NotSummed(e);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<List<DateOnly>> OpenDaysAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT d::date FROM generate_series((SELECT date_trunc('day', min(hour) AT TIME ZONE 'UTC') FROM mcp_call_stats), $1::date - 1, interval '1 day') d
            WHERE NOT EXISTS (SELECT FROM mcp_call_days WHERE day = d::date) ORDER BY d DESC
            """,
            connection)
        {
            Parameters = { new() { Value = DateOnly.FromDateTime((time.GetUtcNow() - AfterMidnight).UtcDateTime) } },
        };
        var days = new List<DateOnly>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            days.Add(reader.GetFieldValue<DateOnly>(0));
        }

        return days;
    }

    private async Task SumUpAsync(NpgsqlConnection connection, DateOnly day, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ScalarAsync(connection, "SET LOCAL lock_timeout = '10s'", cancellationToken);
        await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({Lock}, $1::date - date '2000-01-01')", day, cancellationToken);
        var (sums, start) = (new CallSums(), SummedDays.Start(day));
        await sums.AddHoursAsync(connection, [(start, start.AddDays(1))], new(), hour => hour.Date, cancellationToken);
        await using (var users = new NpgsqlCommand(
            "INSERT INTO mcp_call_users (user_id) SELECT u FROM unnest($1::text[]) u WHERE NOT EXISTS (SELECT FROM mcp_call_users WHERE user_id = u) ON CONFLICT DO NOTHING", connection))
        {
            users.Parameters.Add(new() { Value = sums.Users.ToArray() });
            await users.ExecuteNonQueryAsync(cancellationToken);
        }

        await sums.RenumberAsync(connection, cancellationToken);
        await ExecuteAsync(connection, "DELETE FROM mcp_server_days WHERE day = $1", day, cancellationToken);
        await ExecuteAsync(connection, "DELETE FROM mcp_tool_days WHERE day = $1", day, cancellationToken);
        await WriteAsync(connection, "mcp_server_days (day, server_id", day, sums.Servers.Select(pair => (new[] { pair.Key }, pair.Value)), cancellationToken);
        await WriteAsync(connection, "mcp_tool_days (day, server_id, tool", day, sums.Tools.Select(pair => (new[] { pair.Key.Server, pair.Key.Tool }, pair.Value)), cancellationToken);
        await ExecuteAsync(connection, "INSERT INTO mcp_call_days (day) VALUES ($1) ON CONFLICT DO NOTHING", day, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        SummedUp(day, sums.Servers.Count, sums.Tools.Count);
    }

    private static async Task WriteAsync(NpgsqlConnection connection, string table, DateOnly day, IEnumerable<(string[] Key, CallTally Tally)> rows, CancellationToken cancellationToken)
    {
        await using var importer = await connection.BeginBinaryImportAsync($"COPY {table}, calls, errors, durations, users) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var (key, tally) in rows)
        {
            await importer.StartRowAsync(cancellationToken);
            await importer.WriteAsync(day, NpgsqlDbType.Date, cancellationToken);
            foreach (var part in key)
            {
                await importer.WriteAsync(part, NpgsqlDbType.Text, cancellationToken);
            }

            await importer.WriteAsync(tally.Calls, NpgsqlDbType.Bigint, cancellationToken);
            await importer.WriteAsync(tally.Errors, NpgsqlDbType.Bigint, cancellationToken);
            await importer.WriteAsync(TallyFormat.Durations(tally), NpgsqlDbType.Bytea, cancellationToken);
            await importer.WriteAsync(TallyFormat.Users(tally), NpgsqlDbType.Bytea, cancellationToken);
        }

        await importer.CompleteAsync(cancellationToken);
    }

    // statements above; nothing of a user's
#pragma warning disable CA2100
    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, DateOnly day, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = day, NpgsqlDbType = NpgsqlDbType.Date } } };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
#pragma warning restore CA2100

    [LoggerMessage(LogLevel.Debug, "Calls of {Day} are summed up: {Servers} servers, {Tools} tools")]
    private partial void SummedUp(DateOnly day, int servers, int tools);

    [LoggerMessage(LogLevel.Warning, "Days of call statistics could not be summed up; trying again in a minute")]
    private partial void NotSummed(Exception exception);
}
