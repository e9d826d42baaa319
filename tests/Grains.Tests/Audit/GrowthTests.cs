using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NSubstitute;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Audit;
using Obot.Grains.Audit.Usage;

namespace Obot.Grains.Tests.Audit;

/// <summary>Many records over ninety days: searches and statistics agree with counting by hand, and take as long as they take.</summary>
[Collection(nameof(PostgresTests))]
public sealed class GrowthTests(Postgres postgres, ITestOutputHelper output)
{
    private const int Batch = 2000;
    private static readonly string[] Tools = [.. Enumerable.Range(0, 40).Select(i => $"tool_{i}")];
    private static readonly Principal Admin = new("u1admin", Role.Admin, "k", Scopes.All);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>20,000 by default, 200,000 in the slow campaigns; <c>./obot bench</c> takes five million.</summary>
    private static int Count => Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is { Length: > 0 } ? 200_000 : 20_000;

    [Fact]
    public async Task Records_OfNinetyDays_AreFoundAndCountedAsByHand()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        var random = new Random(7);
        var now = TimeProvider.System.GetUtcNow();
        var rows = Enumerable.Range(0, Count).Select(_ => Row(random, now)).ToList();
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(rows.Chunk(Batch), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancellation }, async (part, cancellationToken) => await rig.Writer.WriteAsync(part, cancellationToken));
        var rate = Count / clock.Elapsed.TotalSeconds;
        var size = await rig.ScalarAsync<decimal>("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent IN ('mcp_audit_logs'::regclass, 'mcp_audit_bodies'::regclass)");
        output.WriteLine($"{Count} records: {rate:0} inserted a second, {size / Count:0} bytes each with indexes and an 800 byte body");

        var databases = rig.Services.GetRequiredService<IDbContextFactory<ObotDb>>();
        var sight = new AuditSight(databases);
        var logs = new StoredAuditLogs(rig.Pools, sight, Substitute.For<IEncryption>(), Substitute.For<IAuditEvents>(), Options.Create(rig.Options), TimeProvider.System);
        (string Name, AuditQuery Query, Func<AuditRow, bool> Naive)[] searches =
        [
            ("everything", new(), _ => true),
            ("a user", new() { UserId = "u1_17" }, row => row.UserId == "u1_17"),
            ("a server's errors", new() { McpServerId = "ms1_3", Status = "error" }, row => row.ServerId == "ms1_3" && row.Error is not null),
            ("403 of a tool", new() { Status = "403", Identifier = "tool_5", Method = "tools/call" }, row => row.Status == 403 && row.Identifier == "tool_5"),
            ("a session", new() { SessionId = "s_123" }, row => row.SessionId == "s_123"),
            ("a client", new() { Client = "CLIENT 2/1.0" }, row => row.ClientName == "Client 2"),
            ("a rare text", new() { Text = "NEEDLE_9" }, row => row.Error?.Contains("needle_9", StringComparison.Ordinal) is true),
        ];
        foreach (var days in (int[])[1, 90])
        {
            var taken = new List<double>();
            foreach (var (name, query, naive) in searches)
            {
                var start = now.AddDays(-days);
                clock.Restart();
                var page = await logs.Search(Admin, query with { StartTime = start }, 50, null, Cancellation);
                taken.Add(clock.Elapsed.TotalMilliseconds);
                var expected = rows.Where(row => row.At >= start && naive(row)).OrderByDescending(row => row.At).ThenByDescending(row => row.Id.ToString(), StringComparer.Ordinal).Take(50).Select(row => row.Id.ToString());
                Assert.Equal(expected, page.Items.Select(item => item.Id));
            }

            output.WriteLine($"search over {days} days: p95 {taken.Order().ElementAt((int)(taken.Count * 0.95)):0.0} ms ({string.Join(", ", searches.Zip(taken, (search, time) => $"{search.Name} {time:0.0}"))})");
        }

        await PageThroughAsync(logs, rows);
        var stats = new StoredCallStats(rig.Pools, sight, TimeProvider.System);
        await CompareAsync(stats, rows, now);
        using var summary = new DaySummary(rig.Pools, TimeProvider.System, NullLogger<DaySummary>.Instance);
        clock.Restart();
        Assert.InRange(await summary.SumUpAsync(Cancellation), 88, 91);
        output.WriteLine($"days summed up in {clock.Elapsed.TotalMilliseconds:0} ms");
        await CompareAsync(stats, rows, now);
    }

    [Fact]
    public async Task Caller_SeesWhatTheRoleAllows()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        var databases = rig.Services.GetRequiredService<IDbContextFactory<ObotDb>>();
        await rig.Writer.WriteAsync([AuditRig.Row(TimeProvider.System.GetUtcNow(), server: "ms1x")], Cancellation);
        var logs = new StoredAuditLogs(rig.Pools, new(databases), Substitute.For<IEncryption>(), Substitute.For<IAuditEvents>(), Options.Create(rig.Options), TimeProvider.System);
        foreach (var (caller, sees) in (IEnumerable<(Principal, int)>)
            [(Admin, 1), (Admin with { Role = Role.Owner }, 1), (Admin with { Role = Role.Basic, Auditor = true }, 1), (Admin with { Role = Role.PowerPlus }, 0), (Admin with { Role = Role.Power }, 0),
             (Admin with { ServerIds = ["ms1x"] }, 1), (Admin with { ServerIds = ["ms1y"] }, 0), (Admin with { Auditor = true, ServerIds = ["ms1y"] }, 0)])
        {
            Assert.Equal(sees, (await logs.Search(caller, new(), 50, null, Cancellation)).Items.Count);
        }

        await Assert.ThrowsAsync<NotAllowedException>(() => logs.Search(Admin with { Role = Role.Basic }, new(), 50, null, Cancellation));
        await Assert.ThrowsAsync<NotAllowedException>(() => logs.Find(Admin with { Role = Role.Basic }, Guid.CreateVersion7().ToString(), Cancellation));
        Assert.Null(await logs.Find(Admin, "nonsense", Cancellation));
        Assert.Null(await logs.Find(Admin, Guid.NewGuid().ToString(), Cancellation));
    }

    private static AuditRow Row(Random random, DateTimeOffset now)
    {
        var at = now.AddSeconds(-random.Next(1, 90 * 86_400)).AddMicroseconds(random.Next(1_000_000));
        var outcome = random.Next(100);
        return AuditRig.Row(
            at,
            server: $"ms1_{random.Next(50)}",
            user: $"u1_{random.Next(300)}",
            identifier: Tools[Math.Min(random.Next(40), random.Next(40))],
            status: outcome < 3 ? (short)403 : (short)200,
            error: outcome < 3 ? "-32000: you may not call" : outcome < 5 ? $"-32602: needle_{random.Next(20)}" : null,
            microseconds: (long)Math.Exp(random.NextDouble() * 9 + 5),
            detail: RandomBytes(random)) with
        {
            ClientName = $"Client {random.Next(5)}",
            ClientVersion = "1.0",
            SessionId = $"s_{random.Next(2000)}",
            TraceId = Guid.NewGuid().ToString("n"),
            ClientIp = "192.0.2.1",
        };
    }

    private static byte[] RandomBytes(Random random)
    {
        var bytes = new byte[852];
        random.NextBytes(bytes);
        return bytes;
    }

    private static async Task PageThroughAsync(StoredAuditLogs logs, List<AuditRow> rows)
    {
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await logs.Search(Admin, new() { McpServerId = "ms1_3" }, 37, cursor, Cancellation);
            seen.AddRange(page.Items.Select(item => item.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        Assert.Equal(rows.Where(row => row.ServerId == "ms1_3").OrderByDescending(row => row.At).ThenByDescending(row => row.Id.ToString(), StringComparer.Ordinal).Select(row => row.Id.ToString()), seen);
    }

    private async Task CompareAsync(StoredCallStats stats, List<AuditRow> rows, DateTimeOffset now)
    {
        var clock = Stopwatch.StartNew();
        var read = await stats.Read(Admin, new() { StartTime = now.AddDays(-91), McpServerId = "ms1_3" }, Cancellation);
        var mine = rows.Where(row => row.ServerId == "ms1_3").ToList();
        output.WriteLine($"statistics of one server over 90 days: {clock.Elapsed.TotalMilliseconds:0.0} ms");
        Assert.Equal((mine.Count, mine.Count(row => row.Error is not null), mine.Select(row => row.UserId).Distinct(StringComparer.Ordinal).Count()), ((int)read.Total.Calls, (int)read.Total.Errors, (int)read.Total.Users));
        foreach (var (quantile, figure) in (IEnumerable<(double, double?)>)[(0.5, read.Total.P50Ms), (0.95, read.Total.P95Ms)])
        {
            var exact = mine.Select(row => row.DurationMicroseconds / 1000.0).Order().ElementAt((int)Math.Ceiling(mine.Count * quantile) - 1);
            Assert.InRange(figure!.Value / exact, 0.95, 1.05);
        }

        var top = mine.Where(row => row.Status == 200).GroupBy(row => row.Identifier, StringComparer.Ordinal).Max(group => group.Count());
        Assert.Equal(top, read.Tools[0].Figures.Calls);
        Assert.Equal(mine.Count, read.Periods.Sum(period => period.Figures.Calls));
    }
}
