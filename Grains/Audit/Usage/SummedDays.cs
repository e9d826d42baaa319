using Npgsql;
using NpgsqlTypes;

namespace Obot.Grains.Audit.Usage;

/// <summary>Reads days that are summed up (<see cref="DaySummary"/>), and which they are.</summary>
internal static class SummedDays
{
    /// <summary>Those that lie whole in a time.</summary>
    public static async Task<List<DateOnly>> ListAsync(NpgsqlConnection connection, DateTime from, DateTime to, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT day FROM mcp_call_days WHERE (day::timestamp AT TIME ZONE 'UTC') >= $1 AND ((day + 1)::timestamp AT TIME ZONE 'UTC') <= $2 ORDER BY day", connection)
        {
            Parameters = { new() { Value = from }, new() { Value = to } },
        };
        var days = new List<DateOnly>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            days.Add(reader.GetFieldValue<DateOnly>(0));
        }

        return days;
    }

    /// <summary>What of a time lies in none of the days.</summary>
    public static List<(DateTime From, DateTime To)> Rest(DateTime from, DateTime to, IEnumerable<DateOnly> days)
    {
        var rest = new List<(DateTime, DateTime)>();
        foreach (var start in days.Select(Start))
        {
            if (start > from)
            {
                rest.Add((from, start));
            }

            from = start.AddDays(1);
        }

        if (to > from)
        {
            rest.Add((from, to));
        }

        return rest;
    }

    public static DateTime Start(DateOnly day) => day.ToDateTime(TimeOnly.MinValue, DateTimeKind.Utc);

    /// <summary>Adds servers and periods; tools are counted only, as there are many and few are shown.</summary>
    public static async Task<Dictionary<(string Server, string Tool), long>> AddDaysAsync(
        this CallSums sums, NpgsqlConnection connection, IReadOnlyCollection<DateOnly> days, CallScope scope, CancellationToken cancellationToken)
    {
        await using (var servers = Command(connection, "SELECT day, server_id, calls, errors, durations, users FROM mcp_server_days", scope, days))
        await using (var reader = await servers.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var period = CallSums.Of(sums.Periods, Start(reader.GetFieldValue<DateOnly>(0)));
                var server = CallSums.Of(sums.Servers, reader.GetString(1));
                period.Count(reader.GetInt64(2), reader.GetInt64(3));
                server.Count(reader.GetInt64(2), reader.GetInt64(3));
                TallyFormat.Read(reader.GetFieldValue<byte[]>(4), reader.GetFieldValue<byte[]>(5), period, server);
            }
        }

        var counts = new Dictionary<(string, string), long>();
        await using var tools = Command(connection, "SELECT server_id, tool, sum(calls)::bigint FROM mcp_tool_days", scope, days, " GROUP BY 1, 2");
        await using var counted = await tools.ExecuteReaderAsync(cancellationToken);
        while (await counted.ReadAsync(cancellationToken))
        {
            counts[(counted.GetString(0), counted.GetString(1))] = counted.GetInt64(2);
        }

        return counts;
    }

    /// <summary>The whole of some tools.</summary>
    public static async Task AddToolsAsync(
        this CallSums sums, NpgsqlConnection connection, IReadOnlyCollection<DateOnly> days, IReadOnlyList<(string Server, string Tool)> wanted, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            SELECT server_id, tool, calls, errors, durations, users FROM unnest($1::text[], $2::text[]) AS wanted (server_id, tool) JOIN mcp_tool_days USING (server_id, tool)
            WHERE day = ANY($3)
            """,
            connection)
        {
            Parameters = { new() { Value = wanted.Select(tool => tool.Server).ToArray() }, new() { Value = wanted.Select(tool => tool.Tool).ToArray() }, Days(days) },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var tool = CallSums.Of(sums.Tools, (reader.GetString(0), reader.GetString(1)));
            tool.Count(reader.GetInt64(2), reader.GetInt64(3));
            TallyFormat.Read(reader.GetFieldValue<byte[]>(4), reader.GetFieldValue<byte[]>(5), tool);
        }
    }

    // columns and tables above; nothing of a user's
#pragma warning disable CA2100
    private static NpgsqlCommand Command(NpgsqlConnection connection, string select, CallScope scope, IReadOnlyCollection<DateOnly> days, string more = "")
    {
        // a range beside the list: so many days in a list alone would be looked up one by one
        var command = new NpgsqlCommand($"{select} WHERE {CallScope.Condition} AND day >= $4 AND day <= $5 AND day = ANY($3){more}", connection);
        command.Parameters.AddRange((NpgsqlParameter[])[.. scope.Parameters, Days(days), new() { Value = days.Min() }, new() { Value = days.Max() }]);
        return command;
    }
#pragma warning restore CA2100

    private static NpgsqlParameter Days(IReadOnlyCollection<DateOnly> days) => new() { Value = days.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Date };
}
