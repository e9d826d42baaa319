using System.Collections.Immutable;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Security;

/// <summary>
/// One connection that listens, and reads <c>security_events</c> in order after every announcement and every 500 ms. Revisions have
/// no holes (they are taken under the lock of <c>security_head</c>), so a hole means pruned events, and everything is forgotten.
/// </summary>
internal sealed partial class SecurityFeed(NpgsqlDataSource database, TimeProvider time, ILogger<SecurityFeed> logger) : BackgroundService, ISecurityFeed
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan PruneEvery = TimeSpan.FromMinutes(10);
    private const int Batch = 500;
    private const int TimeoutSeconds = 5;
    private const long Unknown = -1;

    private ImmutableArray<Action<SecurityChange>> _handlers = [];
    private long _revision = Unknown;
    private long _upToDateAt = Unknown;
    private long _prunedAt;

    public long Revision => Math.Max(0, Volatile.Read(ref _revision));

    public TimeSpan Staleness =>
        Volatile.Read(ref _upToDateAt) is var at && at == Unknown ? TimeSpan.MaxValue : time.GetElapsedTime(at);

    public IDisposable Subscribe(Action<SecurityChange> handler)
    {
        // a delegate of its own, so that subscribing twice and disposing once leaves one
        Action<SecurityChange> own = change => handler(change);
        ImmutableInterlocked.Update(ref _handlers, static (all, one) => all.Add(one), own);
        return new Subscription(() => ImmutableInterlocked.Update(ref _handlers, static (all, one) => all.Remove(one), own));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _prunedAt = time.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await FollowAsync(stoppingToken);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Lost(e);
                await Task.Delay(Poll, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, $"LISTEN {SecurityEvents.Channel}", cancellationToken);
        try
        {
            while (true)
            {
                // what is true from this moment on: the statement below sees every commit before it
                var asked = time.GetTimestamp();
                while (await ReadAsync(connection, cancellationToken) == Batch)
                {
                }

                Volatile.Write(ref _upToDateAt, asked);
                await PruneAsync(connection, cancellationToken);
                await connection.WaitAsync(Poll, cancellationToken);
            }
        }
        finally
        {
            // the pool may not reset what it gets back ("No Reset On Close")
            await ExecuteAsync(connection, "UNLISTEN *", CancellationToken.None).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private async Task<int> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var last = Volatile.Read(ref _revision);
        await using var command = new NpgsqlCommand(
            """
            SELECT h.revision, e.revision, e.kind, e.subject
            FROM security_head h LEFT JOIN security_events e ON e.revision > $1 AND e.revision <= h.revision AND $1 >= 0
            ORDER BY e.revision LIMIT $2
            """,
            connection)
        {
            CommandTimeout = TimeoutSeconds,
            Parameters = { new() { Value = last }, new() { Value = Batch } },
        };
        var changes = new List<SecurityChange>();
        long head = 0;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                head = reader.GetInt64(0);
                if (!await reader.IsDBNullAsync(1, cancellationToken))
                {
                    changes.Add(new(reader.GetInt64(1), reader.GetString(2), reader.GetString(3)));
                }
            }
        }

        if (last == Unknown || head < last || (head > last && (changes.Count == 0 || changes[0].Revision != last + 1)))
        {
            Forgotten(last, head);
            Publish(new(head, SecurityChangeKinds.Everything, "*"));
            return 0;
        }

        changes.ForEach(Publish);
        return changes.Count;
    }

    private void Publish(SecurityChange change)
    {
        foreach (var handler in _handlers)
        {
            try
            {
                handler(change);
            }
            catch (Exception e)
            {
                HandlerFailed(e, change.Kind, change.Subject, change.Revision);
            }
        }

        // after the handlers: a silo that reports a revision has applied it
        Volatile.Write(ref _revision, change.Revision);
    }

    private async Task PruneAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_prunedAt) < PruneEvery)
        {
            return;
        }

        _prunedAt = time.GetTimestamp();
        await ExecuteAsync(connection, "DELETE FROM security_events WHERE at < now() - interval '1 day'", cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = TimeoutSeconds };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The feed of security changes lost the database; connecting again")]
    private partial void Lost(Exception exception);

    [LoggerMessage(Level = LogLevel.Information, Message = "Security changes are followed from revision {Head} (known before: {Last}); whatever was cached is forgotten")]
    private partial void Forgotten(long last, long head);

    [LoggerMessage(Level = LogLevel.Error, Message = "A subscriber failed on security change {Kind} {Subject} (revision {Revision})")]
    private partial void HandlerFailed(Exception exception, string kind, string subject, long revision);
}
