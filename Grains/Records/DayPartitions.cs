using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Data;

namespace Obot.Grains.Records;

/// <summary>
/// Keeps the days of append-only tables: partitions are made some days ahead and dropped when they are too old. One silo of the cluster
/// at a time; nothing that it does waits long for a lock or makes writers wait.
/// </summary>
internal sealed partial class DayPartitions(RecordPools pools, IEnumerable<DayTables> tables, TimeProvider time, ILogger<DayPartitions> logger) : BackgroundService
{
    /// <summary>"recdays" in ASCII.</summary>
    private const long Lock = 0x72656364617973;

    /// <summary>Days that exist before they begin.</summary>
    public const int Ahead = 3;

    private static readonly TimeSpan Every = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan AgainAfterFault = TimeSpan.FromSeconds(15);
    private readonly ConcurrentDictionary<(string Table, DateOnly Day), bool> known = new();

    public DateOnly Today => DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);

    /// <summary>Is the day neither expired nor further ahead than clocks go wrong?</summary>
    public bool Keeps(DateOnly day, int retentionDays) => day >= Today.AddDays(-retentionDays) && day <= Today.AddDays(Ahead);

    /// <summary>Makes the days of a table that are missing. Cheap for those that this silo has seen.</summary>
    public async Task EnsureAsync(IReadOnlyList<string> names, IReadOnlyCollection<DateOnly> days, CancellationToken cancellationToken)
    {
        if (days.All(day => names.All(name => known.ContainsKey((name, day)))))
        {
            return;
        }

        await using var connection = await pools.Writes.OpenConnectionAsync(cancellationToken);
        foreach (var name in names)
        {
            foreach (var day in days.Order())
            {
                await MakeAsync(connection, name, day, cancellationToken);
            }
        }
    }

    /// <summary>One round, unless another silo is at it: days ahead are made, expired ones dropped.</summary>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        foreach (var group in tables)
        {
            await EnsureAsync(group.Names, [.. Enumerable.Range(0, Ahead + 1).Select(Today.AddDays)], cancellationToken);
        }

        await using var connection = await pools.Writes.OpenConnectionAsync(cancellationToken);
        if (!await ScalarAsync<bool>(connection, $"SELECT pg_try_advisory_lock({Lock})", cancellationToken))
        {
            return;
        }

        try
        {
            foreach (var group in tables)
            {
                var oldest = Today.AddDays(-group.RetentionDays());
                foreach (var name in group.Names)
                {
                    await DropBeforeAsync(connection, name, oldest, cancellationToken);
                }
            }
        }
        finally
        {
            await ScalarAsync<bool>(connection, $"SELECT pg_advisory_unlock({Lock})", CancellationToken.None);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Every;
            try
            {
                await KeepAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                NotKept(e);
                pause = AgainAfterFault;
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Attached rather than created in place: attaching lets writers of other days go on. Two silos at once: the second waits for the
    /// first and finds it there.
    /// </summary>
    private async Task MakeAsync(NpgsqlConnection connection, string table, DateOnly day, CancellationToken cancellationToken)
    {
        if (known.ContainsKey((table, day)))
        {
            return;
        }

        var partition = DayTables.Partition(table, day);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(connection, $"SET LOCAL lock_timeout = '5s'; SELECT pg_advisory_xact_lock({Lock} + 1)", cancellationToken);
        if (!await ScalarAsync<bool>(connection, $"SELECT to_regclass('{partition}') IS NOT NULL", cancellationToken))
        {
            await ExecuteAsync(
                connection,
                $"""
                CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE);
                ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ('{Text(day)}') TO ('{Text(day.AddDays(1))}')
                """,
                cancellationToken);
            Made(partition);
        }

        await transaction.CommitAsync(cancellationToken);
        known[(table, day)] = true;
    }

    private async Task DropBeforeAsync(NpgsqlConnection connection, string table, DateOnly oldest, CancellationToken cancellationToken)
    {
        foreach (var (partition, isPending) in await PartitionsAsync(connection, table, cancellationToken))
        {
            if (DayTables.DayOf(table, partition) is not { } day || (day >= oldest && !isPending))
            {
                continue;
            }

            // not in a transaction: it lets go of the parent between its two steps and waits for whoever still reads
            await ExecuteAsync(connection, $"ALTER TABLE {table} DETACH PARTITION {partition} {(isPending ? "FINALIZE" : "CONCURRENTLY")}", cancellationToken);
            await DropAsync(connection, table, partition, day, cancellationToken);
        }

        // what a silo detached and did not live to drop
        foreach (var partition in await DetachedAsync(connection, table, cancellationToken))
        {
            if (DayTables.DayOf(table, partition) is { } day && day < oldest)
            {
                await DropAsync(connection, table, partition, day, cancellationToken);
            }
        }
    }

    private async Task DropAsync(NpgsqlConnection connection, string table, string partition, DateOnly day, CancellationToken cancellationToken)
    {
        known.TryRemove((table, day), out _);
        await ExecuteAsync(connection, $"DROP TABLE {partition}; DELETE FROM record_data_keys WHERE table_name = '{table}' AND day = '{Text(day)}'", cancellationToken);
        Dropped(partition);
    }

    private static async Task<List<(string Name, bool IsPending)>> PartitionsAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using var command = Command(
            connection, $"SELECT c.relname, i.inhdetachpending FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '{table}'::regclass ORDER BY 1");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<(string, bool)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add((reader.GetString(0), reader.GetBoolean(1)));
        }

        return found;
    }

    private static async Task<List<string>> DetachedAsync(NpgsqlConnection connection, string table, CancellationToken cancellationToken)
    {
        await using var command = Command(
            connection,
            $"""
            SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = '{table}'::regclass) AND c.relkind = 'r' AND NOT c.relispartition
              AND c.relname ~ '^{table}_[0-9]{"{8}"}$'
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<string>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(reader.GetString(0));
        }

        return found;
    }

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) + (" 00:00:00+00");

    private static async Task<T> ScalarAsync<T>(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, sql);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    // names of our own tables and days; nothing of a user's
#pragma warning disable CA2100
    private static NpgsqlCommand Command(NpgsqlConnection connection, string sql) => new(sql, connection);
#pragma warning restore CA2100

    [LoggerMessage(LogLevel.Debug, "Partition {Partition} was made")]
    private partial void Made(string partition);

    [LoggerMessage(LogLevel.Information, "Partition {Partition} is beyond its retention and was dropped")]
    private partial void Dropped(string partition);

    [LoggerMessage(LogLevel.Warning, "Partitions of records could not be looked after; trying again in a moment")]
    private partial void NotKept(Exception exception);
}
