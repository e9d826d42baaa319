using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Grains.Sessions;

/// <summary>Writes when sessions were used, in one statement every few seconds, and ends those whose time is over.</summary>
internal sealed partial class SessionUse(
    NpgsqlDataSource database, IGrainFactory grains, IOptions<SessionOptions> options, TimeProvider time, ILogger<SessionUse> logger) : BackgroundService
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(10);
    private const int Batch = 200;
    private readonly ConcurrentDictionary<string, long> used = new(StringComparer.Ordinal);

    public void Used(string sessionId) => used[sessionId] = time.GetUtcNow().UtcTicks;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Round, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await RoundAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task RoundAsync(CancellationToken cancellationToken)
    {
        try
        {
            await WriteAsync(cancellationToken);
            await ReapAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Failed(e);
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        var due = used.ToArray();
        if (due.Length == 0)
        {
            return;
        }

        await using var command = database.CreateCommand(
            """
            WITH use AS (SELECT * FROM unnest($1, $2) AS u(id, at)),
                 sessions AS (
                     UPDATE user_sessions s SET last_seen_at = greatest(s.last_seen_at, use.at),
                            expires_at = least(s.created_at + $3, greatest(s.last_seen_at, use.at) + $4)
                       FROM use WHERE s.id = use.id RETURNING s.user_id, s.last_seen_at)
            UPDATE users u SET last_seen_at = greatest(u.last_seen_at, seen.at)
              FROM (SELECT user_id, max(last_seen_at) AS at FROM sessions GROUP BY user_id) seen WHERE u.id = seen.user_id
            """);
        command.Parameters.Add(new() { Value = due.Select(use => use.Key).ToArray() });
        command.Parameters.Add(new() { Value = due.Select(use => new DateTimeOffset(use.Value, TimeSpan.Zero)).ToArray() });
        command.Parameters.Add(new() { Value = options.Value.AbsoluteTimeout });
        command.Parameters.Add(new() { Value = options.Value.IdleTimeout });
        await command.ExecuteNonQueryAsync(cancellationToken);
        foreach (var use in due)
        {
            used.TryRemove(use);
        }
    }

    /// <summary>Every silo looks; the grain decides, so two that look at once do no harm.</summary>
    private async Task ReapAsync(CancellationToken cancellationToken)
    {
        var over = new List<string>();
        await using (var command = database.CreateCommand("SELECT id FROM user_sessions WHERE expires_at < $1 ORDER BY expires_at LIMIT $2"))
        {
            command.Parameters.Add(new() { Value = time.GetUtcNow() });
            command.Parameters.Add(new() { Value = Batch });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                over.Add(reader.GetString(0));
            }
        }

        await Task.WhenAll(over.Select(id => grains.GetGrain<IUserSessionGrain>(id).Reap()));
    }

    [LoggerMessage(LogLevel.Warning, "The last use of sessions could not be written; trying again in a few seconds")]
    private partial void Failed(Exception exception);
}
