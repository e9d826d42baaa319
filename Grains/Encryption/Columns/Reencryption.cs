using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Encryption.Keys;

namespace Obot.Grains.Encryption.Columns;

/// <summary>
/// Brings every value under the active data key: plaintext of older releases, and what an earlier key wrote. One silo of the cluster
/// at a time; then keys that nothing needs are retired. Runs at the start, after a rotation, and every hour for what a silo wrote
/// that learned of a rotation late.
/// </summary>
internal sealed partial class Reencryption(NpgsqlDataSource database, IEncryption encryption, DataKeys keys, DataKeyTable table, TimeProvider time, ILogger<Reencryption> logger)
    : BackgroundService
{
    /// <summary>"reencryp" in ASCII.</summary>
    private const long Lock = 0x7265656e63727970;
    private const int Batch = 200;
    private const int TimeoutSeconds = 60;
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan TryAgain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim news = new(0);

    /// <summary>Rows of one pass that could not be converted; asked for again by the next one.</summary>
    private long unreadable;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        keys.WhenActivated(() => news.Release());
        try
        {
            // what is urgent at the start of a silo comes first
            var wait = TryAgain;
            while (true)
            {
                await news.WaitAsync(wait, stoppingToken);
                wait = await TryPassAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>One pass, unless another silo is at it. Returns when to come back.</summary>
    public async Task<TimeSpan> TryPassAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            if (!await LockAsync(connection, "SELECT pg_try_advisory_lock($1)", cancellationToken))
            {
                return TryAgain;
            }

            try
            {
                return await PassAsync(connection, cancellationToken);
            }
            finally
            {
                await LockAsync(connection, "SELECT pg_advisory_unlock($1)", CancellationToken.None);
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Interrupted(e);
            return TryAgain;
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        news.Dispose();
    }

    private async Task<TimeSpan> PassAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var active = keys.Active;
        unreadable = 0;
        foreach (var column in EncryptedColumn.All)
        {
            await ConvertAsync(connection, column, cancellationToken);
        }

        if (keys.Active.Id != active.Id)
        {
            return TimeSpan.Zero;
        }

        if (unreadable > 0)
        {
            Left(unreadable);
            return Every;
        }

        var (retired, waiting) = await table.RetireAsync(active.Id, cancellationToken);
        foreach (var id in retired)
        {
            Retired(id);
        }

        return waiting ? TryAgain : Every;
    }

    private async Task ConvertAsync(NpgsqlConnection connection, EncryptedColumn column, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var told = started;
        long done = 0;
        object[]? last = null;
        while (true)
        {
            var rows = await ReadAsync(connection, column, last, cancellationToken);
            foreach (var (key, value) in rows)
            {
                done += await ConvertAsync(connection, column, key, value, cancellationToken);
            }

            last = rows.LastOrDefault().Key;
            if (rows.Count < Batch)
            {
                break;
            }

            if (time.GetElapsedTime(told) > ProgressEvery)
            {
                told = time.GetTimestamp();
                Progress(column.Name, done);
            }
        }

        if (done > 0)
        {
            Done(column.Name, done, keys.Active.Id, time.GetElapsedTime(started).TotalSeconds);
        }
    }

    private async Task<List<(object[] Key, object Value)>> ReadAsync(NpgsqlConnection connection, EncryptedColumn column, object[]? last, CancellationToken cancellationToken)
    {
        await using var command = column.Next(keys.Active.Number, last, Batch);
        (command.Connection, command.CommandTimeout) = (connection, TimeoutSeconds);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<(object[] Key, object Value)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var values = new object[column.Key.Count + 1];
            reader.GetValues(values);
            rows.Add((values[..^1], values[^1]));
        }

        return rows;
    }

    private async Task<int> ConvertAsync(NpgsqlConnection connection, EncryptedColumn column, object[] key, object value, CancellationToken cancellationToken)
    {
        var place = column.PlaceOf(key);
        byte[] again;
        try
        {
            var plain = value is byte[] bytes ? encryption.DecryptOrPlain(place, bytes) : Encoding.UTF8.GetBytes(encryption.DecryptTextOrPlain(place, (string)value));
            again = encryption.Encrypt(place, plain);
        }
        catch (EncryptionException e) when (e is CiphertextException or DataKeyUnknownException or KeyServiceDeniedException)
        {
            unreadable++;
            Unreadable(e.Message);
            return 0;
        }

        await using var command = column.Replace(key, value, again);
        (command.Connection, command.CommandTimeout) = (connection, TimeoutSeconds);

        // no row: somebody wrote it in the meantime, and with the active key
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<bool> LockAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // the two statements above; nothing of a user's
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection) { Parameters = { new() { Value = Lock } } };
#pragma warning restore CA2100
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    [LoggerMessage(LogLevel.Information, "Re-encryption: {Done} values of {Column} so far")]
    private partial void Progress(string column, long done);

    [LoggerMessage(LogLevel.Information, "Re-encryption: {Done} values of {Column} are under data key {Key} now ({Seconds:0.0} s)")]
    private partial void Done(string column, long done, string key, double seconds);

    [LoggerMessage(LogLevel.Information, "Re-encryption: data key {Key} is retired; no value of this database needs it")]
    private partial void Retired(string key);

    [LoggerMessage(LogLevel.Error, "Re-encryption: {Reason}")]
    private partial void Unreadable(string reason);

    [LoggerMessage(LogLevel.Error, "Re-encryption: {Rows} values could not be read and stay as they are; no data key is retired")]
    private partial void Left(long rows);

    [LoggerMessage(LogLevel.Warning, "Re-encryption was interrupted and goes on in a moment")]
    private partial void Interrupted(Exception exception);
}
