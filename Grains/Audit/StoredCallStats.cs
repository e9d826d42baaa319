using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Audit;

/// <summary>Adds the hours of <c>mcp_call_stats</c> up; records themselves are not read.</summary>
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

        var scope = new Scope(pools.Reads, Hour(start), end, servers, query);
        var total = await scope.ReadAsync("''", "''", 1, cancellationToken);
        var byServer = await scope.ReadAsync("server_id", "''", MaxServers, cancellationToken);
        var byTool = await scope.ReadAsync("server_id", "identifier", MaxTools, cancellationToken, " AND method = 'tools/call' AND identifier <> ''");
        var unit = end - start > ByTheHour ? "day" : "hour";
        var byPeriod = await scope.ReadAsync($"date_trunc('{unit}', hour, 'UTC')::text", "''", int.MaxValue, cancellationToken);
        var names = await sight.NamesOfServersAsync(byServer.Concat(byTool).Select(group => group.First), cancellationToken);
        return new(
            Hour(start),
            end,
            total.Count > 0 ? total[0].Figures : new(0, 0, 0, null, null),
            [.. byServer.Select(group => new ServerFigures(group.First, names.GetValueOrDefault(group.First), group.Figures))],
            [.. byTool.Select(group => new ToolFigures(group.First, names.GetValueOrDefault(group.First), group.Second, group.Figures))],
            [.. byPeriod.Select(group => new PeriodFigures(Moment(group.First), group.Figures)).OrderBy(period => period.Start)]);
    }

    private static DateTimeOffset Hour(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerHour), TimeSpan.Zero);

    private static DateTimeOffset Moment(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture, System.Globalization.DateTimeStyles.AssumeUniversal);

    private sealed record Group(string First, string Second, CallFigures Figures);

    /// <summary>The rows that one question is about.</summary>
    private sealed class Scope(NpgsqlDataSource source, DateTimeOffset start, DateTimeOffset end, string[]? servers, StatsQuery query)
    {
        /// <summary>Figures by one or two columns, most calls first.</summary>
        public async Task<List<Group>> ReadAsync(string first, string second, int most, CancellationToken cancellationToken, string more = "")
        {
            // names of columns and conditions above; nothing of a user's
#pragma warning disable CA2100
            await using var command = source.CreateCommand(
                $"""
                WITH wanted AS (
                    SELECT {first} AS first, {second} AS second, user_id, bucket, calls, errors FROM mcp_call_stats
                    WHERE hour >= $1 AND hour < $2 AND ($3::text[] IS NULL OR server_id = ANY($3)) AND ($4::text IS NULL OR server_id = $4) AND ($5::text IS NULL OR user_id = $5){more}),
                histogram AS (SELECT first, second, bucket, sum(calls)::bigint AS calls FROM wanted GROUP BY first, second, bucket),
                figures AS (
                    SELECT first, second, sum(calls)::bigint AS calls, sum(errors)::bigint AS errors, count(DISTINCT nullif(user_id, '')) AS users
                    FROM wanted GROUP BY first, second ORDER BY 3 DESC, 1, 2 LIMIT $6)
                SELECT f.first, f.second, f.calls, f.errors, f.users, array_agg(h.bucket), array_agg(h.calls)
                FROM figures f JOIN histogram h USING (first, second) GROUP BY 1, 2, 3, 4, 5 ORDER BY 3 DESC, 1, 2
                """);
#pragma warning restore CA2100
            command.Parameters.Add(new() { Value = start.UtcDateTime });
            command.Parameters.Add(new() { Value = end.UtcDateTime });
            command.Parameters.Add(new() { Value = (object?)servers ?? DBNull.Value });
            command.Parameters.Add(new() { Value = Given(query.McpServerId) });
            command.Parameters.Add(new() { Value = Given(query.UserId) });
            command.Parameters.Add(new() { Value = most });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var groups = new List<Group>();
            while (await reader.ReadAsync(cancellationToken))
            {
                var histogram = reader.GetFieldValue<short[]>(5).Zip(reader.GetFieldValue<long[]>(6)).ToDictionary(pair => (int)pair.First, pair => pair.Second);
                groups.Add(new(
                    reader.GetString(0),
                    reader.GetString(1),
                    new(reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), AuditBuckets.Quantile(histogram, 0.5), AuditBuckets.Quantile(histogram, 0.95))));
            }

            return groups;
        }

        private static object Given(string? value) => value is { Length: > 0 } ? value.Replace('\0', ' ') : DBNull.Value;
    }
}
