using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Audit;

namespace Obot.Grains.Audit.Usage;

/// <summary>Removes hours and days of the roll-up that are as old as the records they were made from. They are few, so a plain delete will do.</summary>
internal sealed partial class StatsRetention(RecordPools pools, IOptions<AuditOptions> options, TimeProvider time, ILogger<StatsRetention> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        var oldest = time.GetUtcNow().UtcDateTime.Date.AddDays(-options.Value.RetentionDays - 1);
        foreach (var sql in (string[])
            [
                "DELETE FROM mcp_call_stats WHERE hour < $1", "DELETE FROM mcp_call_days WHERE day < ($1 AT TIME ZONE 'UTC')::date",
                "DELETE FROM mcp_server_days WHERE day < ($1 AT TIME ZONE 'UTC')::date", "DELETE FROM mcp_tool_days WHERE day < ($1 AT TIME ZONE 'UTC')::date",
            ])
        {
            // statements above
#pragma warning disable CA2100
            await using var command = pools.Writes.CreateCommand(sql);
#pragma warning restore CA2100
            command.Parameters.Add(new() { Value = oldest });
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await PruneAsync(stoppingToken);
                }
                catch (NpgsqlException e)
                {
                    NotPruned(e);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    [LoggerMessage(LogLevel.Warning, "Old hours of call statistics could not be removed; trying again in an hour")]
    private partial void NotPruned(Exception exception);
}
