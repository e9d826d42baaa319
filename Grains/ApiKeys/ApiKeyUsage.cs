using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Grains.Abstractions.ApiKeys;

namespace Obot.Grains.ApiKeys;

/// <summary>Gathers uses in memory and writes them every few seconds in one statement; a key is written once a minute at most.</summary>
internal sealed partial class ApiKeyUsage(NpgsqlDataSource database, TimeProvider time, ILogger<ApiKeyUsage> logger) : BackgroundService, IApiKeyUsage
{
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan PerKey = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<string, long> _used = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _written = new(StringComparer.Ordinal);

    public void Used(string keyId)
    {
        if (keyId.StartsWith(ApiKeyFormat.IdPrefix, StringComparison.Ordinal))
        {
            _used[keyId] = time.GetUtcNow().UtcTicks;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Round, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await WriteAsync(PerKey, stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await WriteAsync(TimeSpan.Zero, cancellationToken);
    }

    private async Task WriteAsync(TimeSpan perKey, CancellationToken cancellationToken)
    {
        foreach (var (id, at) in _written)
        {
            if (time.GetUtcNow().UtcTicks - at >= PerKey.Ticks)
            {
                _written.Remove(id);
            }
        }

        var due = _used.Where(use => perKey == TimeSpan.Zero || !_written.ContainsKey(use.Key)).ToArray();
        if (due.Length == 0)
        {
            return;
        }

        try
        {
            await using var command = database.CreateCommand(
                "UPDATE api_keys k SET last_used_at = greatest(k.last_used_at, u.at) FROM unnest($1, $2) AS u(id, at) WHERE k.id = u.id");
            command.Parameters.Add(new() { Value = due.Select(use => use.Key).ToArray() });
            command.Parameters.Add(new() { Value = due.Select(use => new DateTimeOffset(use.Value, TimeSpan.Zero)).ToArray() });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException)
        {
            NotWritten(e);
            return;
        }

        foreach (var use in due)
        {
            _used.TryRemove(use);
            _written[use.Key] = time.GetUtcNow().UtcTicks;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last use of API keys could not be written; trying again in a few seconds")]
    private partial void NotWritten(Exception exception);
}
