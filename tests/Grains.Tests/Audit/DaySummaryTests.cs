using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Obot.Data;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Audit;
using Obot.Grains.Audit.Usage;

namespace Obot.Grains.Tests.Audit;

/// <summary>Days that are summed up say what their hours said, and go on doing so when calls come late, from whatever silo.</summary>
[Collection(nameof(PostgresTests))]
public sealed class DaySummaryTests(Postgres postgres)
{
    private static readonly Principal Admin = new("u1admin", Role.Admin, "k", Scopes.All);
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Statistics_AreTheSame_ByHoursAndByDays()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        await WriteAsync(rig, 3000);
        var stats = Stats(rig);
        var queries = (StatsQuery[])
        [
            new() { StartTime = Now.AddDays(-30) }, new() { StartTime = Now.AddDays(-30), McpServerId = "ms1_2" }, new() { StartTime = Now.AddDays(-30), UserId = "u1_5" },
            new() { StartTime = Now.AddDays(-20).AddHours(-5), EndTime = Now.AddDays(-7) }, new() { StartTime = Now.AddDays(-2) },
        ];
        var before = new List<CallStats>();
        foreach (var query in queries)
        {
            before.Add(await stats.Read(Admin, query, Cancellation));
        }

        using var days = Days(rig);
        Assert.InRange(await days.SumUpAsync(Cancellation), 9, 11);
        Assert.Equal(0, await days.SumUpAsync(Cancellation));
        foreach (var (query, expected) in queries.Zip(before))
        {
            AssertSame(expected, await stats.Read(Admin, query, Cancellation));
        }
    }

    [Fact]
    public async Task Day_ThatGetsCallsLate_IsReadByItsHours_UntilItIsSummedUpAgain()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        await WriteAsync(rig, 200);
        using var days = Days(rig);
        await days.SumUpAsync(Cancellation);
        var stats = Stats(rig);
        var query = new StatsQuery { StartTime = Now.AddDays(-30) };
        var before = await stats.Read(Admin, query, Cancellation);

        // a new bucket, and one that is there: an earlier version of a silo writes no other way
        await rig.Writer.WriteAsync([AuditRig.Row(Now.AddDays(-5), "ms1_late", "u1_new", microseconds: 1)], Cancellation);
        await rig.Writer.WriteAsync([AuditRig.Row(Now.AddDays(-5), "ms1_late", "u1_new", microseconds: 1)], Cancellation);
        var after = await stats.Read(Admin, query, Cancellation);
        Assert.Equal((before.Total.Calls + 2, before.Total.Users + 1), (after.Total.Calls, after.Total.Users));

        Assert.Equal(1, await days.SumUpAsync(Cancellation));
        AssertSame(after, await stats.Read(Admin, query, Cancellation));
        await rig.Writer.WriteAsync([AuditRig.Row(Now.AddDays(-5), "ms1_late", "u1_new", microseconds: 1)], Cancellation);
        Assert.Equal(after.Total.Calls + 1, (await stats.Read(Admin, query, Cancellation)).Total.Calls);
    }

    /// <summary>Writers and two silos that sum up go on at once: in the end every call is counted once.</summary>
    [Fact]
    public async Task Days_SummedUpWhileCallsOfThemArrive_LoseNone()
    {
        await using var rig = await AuditRig.StartAsync(postgres);
        await WriteAsync(rig, 50);
        using var one = Days(rig);
        using var other = Days(rig);
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 60; i++)
            {
                await rig.Writer.WriteAsync([.. Enumerable.Range(0, 5).Select(n => AuditRig.Row(Now.AddDays(-1 - n).AddSeconds(-i), "ms1_busy", $"u1_{i}"))], Cancellation);
            }
        }, Cancellation);
        while (!writing.IsCompleted)
        {
            await Task.WhenAll(one.SumUpAsync(Cancellation), other.SumUpAsync(Cancellation));
        }

        await writing;
        var stats = Stats(rig);
        var query = new StatsQuery { StartTime = Now.AddDays(-30), McpServerId = "ms1_busy" };
        for (var round = 0; round < 2; round++)
        {
            var read = await stats.Read(Admin, query, Cancellation);
            Assert.Equal((300, 60), (read.Total.Calls, read.Total.Users));
            await one.SumUpAsync(Cancellation);
        }
    }

    private static StoredCallStats Stats(AuditRig rig) => new(rig.Pools, new(rig.Services.GetRequiredService<IDbContextFactory<ObotDb>>()), TimeProvider.System);

    private static DaySummary Days(AuditRig rig) => new(rig.Pools, TimeProvider.System, NullLogger<DaySummary>.Instance);

    private static Task WriteAsync(AuditRig rig, int count)
    {
        var random = new Random(3);
        return rig.Writer.WriteAsync(
            [.. Enumerable.Range(0, count).Select(i => AuditRig.Row(
                Now.AddMinutes(-random.Next(10 * 1440)), $"ms1_{random.Next(5)}", $"u1_{random.Next(150)}", random.Next(5) == 0 ? "tools/list" : "tools/call", $"tool_{random.Next(70)}",
                error: random.Next(9) == 0 ? "no" : null, microseconds: random.Next(1, 5_000_000)))],
            Cancellation);
    }

    private static void AssertSame(CallStats expected, CallStats actual)
    {
        Assert.Equal(expected.Total, actual.Total);
        Assert.Equal(expected.Servers, actual.Servers);
        Assert.Equal(expected.Tools, actual.Tools);
        Assert.Equal(expected.Periods, actual.Periods);
    }
}
