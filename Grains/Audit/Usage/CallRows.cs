using Npgsql;
using NpgsqlTypes;

namespace Obot.Grains.Audit.Usage;

/// <summary>Which calls a question is about.</summary>
/// <param name="Servers">Only these; null: all.</param>
/// <param name="ServerId">Only this one.</param>
/// <param name="UserId">Only this one's.</param>
internal sealed record CallScope(IReadOnlyList<string>? Servers = null, string? ServerId = null, string? UserId = null)
{
    public const string Condition = "($1::text[] IS NULL OR server_id = ANY($1)) AND ($2::text IS NULL OR server_id = $2)";

    public IEnumerable<NpgsqlParameter> Parameters =>
        [new() { Value = (object?)Servers?.ToArray() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text }, Text(ServerId)];

    public static NpgsqlParameter Text(string? value) =>
        new() { Value = value is { Length: > 0 } ? value.Replace('\0', ' ') : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };
}

/// <summary>Reads hours of <c>mcp_call_stats</c> and the numbers of users.</summary>
internal static class CallRows
{
    /// <param name="spans">From, inclusive, to, exclusive.</param>
    /// <param name="period">Which period an hour belongs to.</param>
    public static async Task AddHoursAsync(
        this CallSums sums, NpgsqlConnection connection, IReadOnlyList<(DateTime From, DateTime To)> spans, CallScope scope, Func<DateTime, DateTime> period, CancellationToken cancellationToken)
    {
        foreach (var (from, to) in spans)
        {
            await using var command = new NpgsqlCommand(
                $"""
                SELECT hour, server_id, user_id, CASE WHEN method = 'tools/call' THEN identifier ELSE '' END, bucket, calls, errors FROM mcp_call_stats
                WHERE {CallScope.Condition} AND ($3::text IS NULL OR user_id = $3) AND hour >= $4 AND hour < $5
                """,
                connection);
            command.Parameters.AddRange((NpgsqlParameter[])[.. scope.Parameters, CallScope.Text(scope.UserId), new() { Value = from }, new() { Value = to }]);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
            {
                var hour = reader.GetDateTime(0);
                sums.Add(new(hour, reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt16(4), reader.GetInt64(5), reader.GetInt64(6)), period(hour));
            }
        }
    }

    /// <summary>After the last hours: users as the sums of days number them.</summary>
    public static async Task RenumberAsync(this CallSums sums, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var known = new Dictionary<string, int>(StringComparer.Ordinal);
        await using var command = new NpgsqlCommand("SELECT user_id, number FROM mcp_call_users WHERE user_id = ANY($1)", connection) { Parameters = { new() { Value = sums.Users.ToArray() } } };
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                known[reader.GetString(0)] = reader.GetInt32(1);
            }
        }

        sums.Renumber(known);
    }
}
