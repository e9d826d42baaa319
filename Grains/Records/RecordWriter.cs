using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;
using Obot.Data;
using Obot.Grains.Encryption;

namespace Obot.Grains.Records;

/// <summary>
/// Writes one kind of records in batches: binary COPY into a staging table, then <see cref="RecordKind{TRow}.Insert"/>, in one transaction. Batches of
/// many callers are put together; the queue is bounded, so a slow database makes callers wait and nothing grow. Rows may come twice.
/// </summary>
internal sealed partial class RecordWriter<TRow>(RecordPools pools, DayPartitions partitions, RecordKind<TRow> kind, TimeProvider time, ILogger<RecordWriter<TRow>> logger) : BackgroundService
{
    private const int MaxQueued = 64;
    private const int MaxRows = 4000;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AfterFault = TimeSpan.FromMilliseconds(200);

    private readonly Channel<Batch> queue = Channel.CreateBounded<Batch>(new BoundedChannelOptions(MaxQueued) { SingleReader = true });
    private readonly HashSet<(DateOnly Day, ulong Key)> keysNoted = [];
    private NpgsqlConnection? connection;
    private long refused;

    /// <summary>Rows that the database will never take (expired, from a wrong clock, unreadable) and that were left out.</summary>
    public long Refused => Interlocked.Read(ref refused);

    /// <summary>Returns when the rows are committed; those that were there before count as written. Throws when they are not: then they may be given again.</summary>
    /// <exception cref="NpgsqlException">The database did not take them.</exception>
    /// <exception cref="OperationCanceledException">This silo stops, or the caller does not wait.</exception>
    public async Task WriteAsync(IReadOnlyList<TRow> rows, CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var batch = new Batch(rows);
        await queue.Writer.WriteAsync(batch, cancellationToken);
        await batch.Done.Task.WaitAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        queue.Writer.TryComplete();
        await base.StopAsync(cancellationToken);
        while (queue.Reader.TryRead(out var left))
        {
            left.Done.TrySetCanceled(CancellationToken.None);
        }

        await CloseAsync();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batches = new List<Batch>();
        while (await NextAsync(batches, stoppingToken))
        {
            try
            {
                await WriteSplitAsync([.. batches.SelectMany(batch => batch.Rows)], stoppingToken);
                batches.ForEach(batch => batch.Done.TrySetResult());
            }
            catch (Exception e)
            {
                await CloseAsync();
                if (!stoppingToken.IsCancellationRequested)
                {
                    NotWritten(e, kind.Tables[0], batches.Sum(batch => batch.Rows.Count));
                }

                batches.ForEach(batch => batch.Done.TrySetException(e));
                await Task.Delay(AfterFault, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>The next batches: what comes within a moment goes into one transaction.</summary>
    private async Task<bool> NextAsync(List<Batch> batches, CancellationToken stoppingToken)
    {
        batches.Clear();
        try
        {
            if (!await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                return false;
            }

            await Task.Delay(Gather, time, stoppingToken);
            for (var rows = 0; rows < MaxRows && queue.Reader.TryRead(out var batch); rows += batch.Rows.Count)
            {
                batches.Add(batch);
            }

            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>One row that the database does not take must not hold up the others: halves find it, and it is left out.</summary>
    private async Task WriteSplitAsync(List<TRow> rows, CancellationToken cancellationToken)
    {
        try
        {
            await WriteRowsAsync(rows, cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState.StartsWith("22", StringComparison.Ordinal) || e.SqlState.StartsWith("23", StringComparison.Ordinal))
        {
            await CloseAsync();
            if (rows.Count == 1)
            {
                Interlocked.Increment(ref refused);
                LeftOut(e, kind.Tables[0]);
                return;
            }

            await WriteSplitAsync(rows[..(rows.Count / 2)], cancellationToken);
            await WriteSplitAsync(rows[(rows.Count / 2)..], cancellationToken);
        }
    }

    private async Task WriteRowsAsync(List<TRow> rows, CancellationToken cancellationToken)
    {
        var kept = rows.FindAll(row => partitions.Keeps(DayOf(row), kind.RetentionDays));
        if (kept.Count < rows.Count)
        {
            Interlocked.Add(ref refused, rows.Count - kept.Count);
            OutOfTime(rows.Count - kept.Count, kind.Tables[0], kind.RetentionDays);
        }

        if (kept.Count == 0)
        {
            return;
        }

        var (started, committed) = (time.GetTimestamp(), false);
        try
        {
            await CommitAsync(kept, cancellationToken);
            committed = true;
        }
        finally
        {
            GrainsInstruments.Wrote(kind.Tables[0], kept.Count, time.GetElapsedTime(started), committed);
        }
    }

    private async Task CommitAsync(List<TRow> kept, CancellationToken cancellationToken)
    {
        await partitions.EnsureAsync(kind.Tables, kept.Select(DayOf).ToHashSet(), cancellationToken);
        var open = connection ??= await OpenAsync(cancellationToken);
        await using var transaction = await open.BeginTransactionAsync(cancellationToken);
        var keys = await NoteKeysAsync(open, kept, cancellationToken);
        await using (var importer = await open.BeginBinaryImportAsync(kind.Copy, cancellationToken))
        {
            foreach (var row in kept)
            {
                await importer.StartRowAsync(cancellationToken);
                kind.Write(importer, row);
            }

            await importer.CompleteAsync(cancellationToken);
        }

        await ExecuteAsync(open, kind.Insert, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        keysNoted.UnionWith(keys);
    }

    /// <summary>Before the rows: nobody may believe that a key is not needed while rows under it are on their way.</summary>
    private async Task<List<(DateOnly Day, ulong Key)>> NoteKeysAsync(NpgsqlConnection open, List<TRow> rows, CancellationToken cancellationToken)
    {
        var keys = rows.Where(row => SealedFormat.IsMarked(kind.Ciphertext(row)))
            .Select(row => (Day: DayOf(row), Key: SealedFormat.KeyOf(kind.Ciphertext(row)))).Where(key => !keysNoted.Contains(key)).Distinct().ToList();
        foreach (var (day, key) in keys)
        {
            await using var command = new NpgsqlCommand("INSERT INTO record_data_keys (table_name, day, key_id) SELECT unnest($1), $2, $3 ON CONFLICT DO NOTHING", open)
            {
                Parameters = { new() { Value = kind.Tables.ToArray() }, new() { Value = day, NpgsqlDbType = NpgsqlDbType.Date }, new() { Value = SealedFormat.KeyId(key) } },
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }

        return keys;
    }

    private DateOnly DayOf(TRow row) => DateOnly.FromDateTime(kind.At(row).UtcDateTime);

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var opened = await pools.Writes.OpenConnectionAsync(cancellationToken);
        try
        {
            // a connection of the pool may have the table from before
            await ExecuteAsync(opened, $"DISCARD TEMP; {kind.Stage}", cancellationToken);
            return opened;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    private async Task CloseAsync()
    {
        if (connection is { } broken)
        {
            connection = null;
            await broken.DisposeAsync();
        }
    }

    // statements of the kinds themselves; nothing of a user's
#pragma warning disable CA2100
    private static async Task ExecuteAsync(NpgsqlConnection open, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, open);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
#pragma warning restore CA2100

    private sealed record Batch(IReadOnlyList<TRow> Rows)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    [LoggerMessage(LogLevel.Warning, "{Rows} rows of {Table} could not be written now; they wait where they came from")]
    private partial void NotWritten(Exception exception, string table, int rows);

    [LoggerMessage(LogLevel.Error, "A row of {Table} is nothing that the database takes, and was left out")]
    private partial void LeftOut(Exception exception, string table);

    [LoggerMessage(LogLevel.Warning, "{Rows} rows of {Table} are older than {Days} days or from the future, and were left out")]
    private partial void OutOfTime(int rows, string table, int days);
}
