using System.Data;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Audit.Usage;

/// <summary>
/// Adds up days that are summed up (<see cref="SummedDays"/>), and hours of <c>mcp_call_stats</c> where there is no such day: at the ends, for hourly
/// figures and for one user's. Records themselves are not read.
/// </summary>
internal sealed class StoredCallStats(RecordPools pools, AuditSight sight, TimeProvider time) : ICallStats
{
    private const int MaxServers = 100;
    private const int MaxTools = 50;
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3651);
    private static readonly TimeSpan ByTheHour = TimeSpan.FromDays(3);

    public async Task<CallStats> Read(Principal caller, StatsQuery query, CancellationToken cancellationToken)
    {
        var servers = await sight.ServersOfAsync(caller, cancellationToken);
        var end = query.EndTime ?? time.GetUtcNow();
        var start = query.StartTime ?? end.AddDays(-1);
        if (start > end || end - start > Longest)
        {
            throw new InvalidInputException("startTime", "Must be before endTime, and by ten years at most.");
        }

        var scope = new CallScope(servers, query.McpServerId, query.UserId);
        var sums = await SumAsync(scope, Hour(start).UtcDateTime, Hour(end.AddTicks(TimeSpan.TicksPerHour - 1)).UtcDateTime, end - start > ByTheHour, cancellationToken);
        var byServer = Most(sums.Servers, MaxServers);
        var byTool = Most(sums.Tools, MaxTools);
        var names = await sight.NamesOfServersAsync(byServer.Select(pair => pair.Key).Concat(byTool.Select(pair => pair.Key.Server)), cancellationToken);
        return new(
            Hour(start),
            end,
            sums.Total.Figures,
            [.. byServer.Select(pair => new ServerFigures(pair.Key, names.GetValueOrDefault(pair.Key), pair.Value.Figures))],
            [.. byTool.Select(pair => new ToolFigures(pair.Key.Server, names.GetValueOrDefault(pair.Key.Server), pair.Key.Tool, pair.Value.Figures))],
            [.. sums.Periods.OrderBy(pair => pair.Key).Select(pair => new PeriodFigures(new(pair.Key, TimeSpan.Zero), pair.Value.Figures))]);
    }

    private async Task<CallSums> SumAsync(CallScope scope, DateTime from, DateTime to, bool byDay, CancellationToken cancellationToken)
    {
        await using var connection = await pools.Reads.OpenConnectionAsync(cancellationToken);

        // a day may be opened or summed up meanwhile: everything as it was at one moment
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        var days = byDay && scope.UserId is not { Length: > 0 } ? await SummedDays.ListAsync(connection, from, to, cancellationToken) : [];
        var sums = new CallSums();
        await sums.AddHoursAsync(connection, SummedDays.Rest(from, to, days), scope, hour => byDay ? hour.Date : hour, cancellationToken);
        if (days.Count == 0)
        {
            return sums;
        }

        await sums.RenumberAsync(connection, cancellationToken);
        var counts = await sums.AddDaysAsync(connection, days, scope, cancellationToken);
        foreach (var (tool, tally) in sums.Tools)
        {
            counts[tool] = counts.GetValueOrDefault(tool) + tally.Calls;
        }

        var wanted = counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key.Server, StringComparer.Ordinal).ThenBy(pair => pair.Key.Tool, StringComparer.Ordinal)
            .Take(MaxTools).Select(pair => pair.Key).ToList();
        sums.KeepTools(wanted);
        await sums.AddToolsAsync(connection, days, wanted, cancellationToken);
        return sums;
    }

    private static List<KeyValuePair<string, CallTally>> Most(Dictionary<string, CallTally> tallies, int most) =>
        [.. tallies.OrderByDescending(pair => pair.Value.Calls).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(most)];

    private static List<KeyValuePair<(string Server, string Tool), CallTally>> Most(Dictionary<(string Server, string Tool), CallTally> tallies, int most) =>
        [.. tallies.OrderByDescending(pair => pair.Value.Calls).ThenBy(pair => pair.Key.Server, StringComparer.Ordinal).ThenBy(pair => pair.Key.Tool, StringComparer.Ordinal).Take(most)];

    private static DateTimeOffset Hour(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);
}
