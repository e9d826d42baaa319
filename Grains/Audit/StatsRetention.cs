using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Audit;

namespace Obot.Grains.Audit;

/// <summary>Removes hours of the roll-up that are as old as the records they were made from. They are few, so a plain delete will do.</summary>
internal sealed partial class StatsRetention(RecordPools pools, IOptions<AuditOptions> options, TimeProvider time, ILogger<StatsRetention> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    public async Task PruneAsync(CancellationToken cancellationToken)
    {
        await using var command = pools.Writes.CreateCommand("DELETE FROM mcp_call_stats WHERE hour < $1");
        command.Parameters.Add(new() { Value = time.GetUtcNow().AddDays(-options.Value.RetentionDays - 1).UtcDateTime });
        await command.ExecuteNonQueryAsync(cancellationToken);
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
