using System.Diagnostics;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Audit;
using Obot.Grains.Audit.Usage;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Benchmarks.Audit;

/// <summary>Writes records as a silo does, with the silo's own writer.</summary>
internal sealed class RecordFilling : IAsyncDisposable
{
    private const int Batch = 2000;
    private const int AtOnce = 4;
    private const int Days = 90;

    private readonly RecordPools pools;
    private readonly DayPartitions partitions;
    private readonly RecordWriter<AuditRow> writer;
    private readonly TimeProvider time;

    public RecordFilling(string server, TimeProvider time)
    {
        this.time = time;
        pools = new(new NpgsqlConnectionStringBuilder(server) { Database = "obot" }.ConnectionString, NullLoggerFactory.Instance);
        var kind = new AuditKind(Options.Create(new AuditOptions()));
        partitions = new(pools, [DayTables.Of(kind)], time, NullLogger<DayPartitions>.Instance);
        writer = new(pools, partitions, kind, time, NullLogger<RecordWriter<AuditRow>>.Instance);
    }

    public async Task<(double PerSecond, double Bytes)> FillAsync(int count)
    {
        await writer.StartAsync(CancellationToken.None);
        var now = time.GetUtcNow().AddMinutes(-10);
        var clock = Stopwatch.StartNew();
        await Parallel.ForAsync(0, count / Batch, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (batch, cancellationToken) =>
        {
            // as time goes by: a batch is of one moment, and the days fill one after the other
            var at = now - (TimeSpan.FromDays(Days) * (1 - ((batch + 1.0) / (count / Batch))));
            await writer.WriteAsync([.. Enumerable.Range(0, Batch).Select(i => Row(at.AddMilliseconds(-i), new Random(HashCode.Combine(batch, i))))], cancellationToken);
        });
        var rate = count / clock.Elapsed.TotalSeconds;
        await using (var analyze = pools.Writes.CreateCommand("ANALYZE mcp_audit_logs; ANALYZE mcp_call_stats"))
        {
            analyze.CommandTimeout = 600;
            await analyze.ExecuteNonQueryAsync();
        }

        await using var size = pools.Writes.CreateCommand(
            "SELECT sum(pg_total_relation_size(inhrelid))::float8 FROM pg_inherits WHERE inhparent IN ('mcp_audit_logs'::regclass, 'mcp_audit_bodies'::regclass)");
        return (rate, (double)(await size.ExecuteScalarAsync())! / count);
    }

    /// <summary>As a silo does each minute; how long that takes for all days, in seconds.</summary>
    public async Task<double> SumUpAsync()
    {
        using var days = new DaySummary(pools, time, NullLogger<DaySummary>.Instance);
        var clock = Stopwatch.StartNew();
        await using var left = pools.Writes.CreateCommand("SELECT count(*) < @days FROM mcp_call_days");
        left.Parameters.AddWithValue("days", (long)(Days - 1));
        while ((bool)(await left.ExecuteScalarAsync())!)
        {
            // the product's silo may be at it already
            await days.SumUpAsync(CancellationToken.None);
        }

        return clock.Elapsed.TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        await writer.StopAsync(CancellationToken.None);
        writer.Dispose();
        partitions.Dispose();
        await pools.DisposeAsync();
    }

    private static AuditRow Row(DateTimeOffset at, Random random)
    {
        var outcome = random.Next(100);
        var whole = at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond));
        return new()
        {
            Id = CallId.New(whole),
            At = whole,
            UserId = $"u1bench{random.Next(1000)}",
            CredentialId = $"ak1bench{random.Next(1000)}",
            ClientName = $"Client {random.Next(12)}",
            ClientVersion = "1.0.0",
            ServerId = $"ms1bench{random.Next(200)}",
            Method = random.Next(10) == 0 ? "tools/list" : "tools/call",
            Identifier = $"tool_{Math.Min(random.Next(40), random.Next(40))}",
            Status = outcome < 2 ? (short)403 : (short)200,
            Error = outcome < 2 ? "-32000: you may not call the tool" : outcome < 4 ? "-32602: the argument is missing" : null,
            DurationMicroseconds = (long)Math.Exp((random.NextDouble() * 9) + 5),
            SessionId = $"session-{random.Next(100_000)}",
            TraceId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            ClientIp = "192.0.2.17",
            RequestBytes = 300,
            ResponseBytes = 900,
            Detail = RandomNumberGenerator.GetBytes(452),
        };
    }
}
