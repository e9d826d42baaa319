using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Records;

namespace Obot.Grains.Audit;

/// <summary>Records of MCP calls: <c>mcp_audit_logs</c>, <c>mcp_audit_bodies</c>, and the roll-up <c>mcp_call_stats</c>.</summary>
internal sealed class AuditKind(IOptions<AuditOptions> options) : RecordKind<AuditRow>
{
    public const string Logs = "mcp_audit_logs";

    private const string Columns =
        "at, id, user_id, credential_id, client_name, client_version, server_id, method, identifier, status, error, duration_us, session_id, trace_id, client_ip, filters, request_bytes, response_bytes";

    public override IReadOnlyList<string> Tables { get; } = [Logs, AuditRow.Bodies];

    public override int RetentionDays => options.Value.RetentionDays;

    public override string Stage => $"CREATE TEMP TABLE audit_stage (LIKE {Logs}, detail bytea) ON COMMIT DELETE ROWS; ALTER TABLE audit_stage ALTER detail SET STORAGE EXTERNAL";

    public override string Copy => $"COPY audit_stage ({Columns}, detail) FROM STDIN (FORMAT BINARY)";

    /// <summary>
    /// What was there before is neither inserted nor counted again. The roll-up is of calls: neither streams and notifications, nor the platform's
    /// own events (<see cref="AuditMethods.Prefix"/>). Names of tools and prompts are kept where a server answered to them; anybody may ask for any name.
    /// </summary>
    public override string Insert =>
        $"""
        WITH fresh AS (
            INSERT INTO {Logs} ({Columns}) SELECT {Columns} FROM audit_stage ON CONFLICT DO NOTHING
            RETURNING at, id, server_id, user_id, method, identifier, status, error, duration_us),
        bodies AS (
            INSERT INTO {AuditRow.Bodies} (at, id, detail)
            SELECT s.at, s.id, s.detail FROM audit_stage s JOIN fresh USING (at, id) WHERE s.detail IS NOT NULL ON CONFLICT DO NOTHING)
        INSERT INTO mcp_call_stats AS total (hour, server_id, user_id, method, identifier, bucket, calls, errors)
        SELECT date_trunc('hour', at, 'UTC'), coalesce(server_id, ''), coalesce(user_id, ''), method,
               CASE WHEN status = 200 AND method IN ('tools/call', 'prompts/get') THEN left(coalesce(identifier, ''), 200) ELSE '' END,
               ceil(ln(greatest(duration_us, 1)) / ln(2) * {AuditBuckets.PerOctave})::smallint,
               count(*), count(*) FILTER (WHERE error IS NOT NULL)
        FROM fresh
        WHERE method NOT IN ('{AuditMethods.Get}', '{AuditMethods.Delete}', '{AuditMethods.Response}', 'subscriptions/listen')
          AND method NOT LIKE 'notifications/%' AND method NOT LIKE '{AuditMethods.Prefix}%'
        GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 2, 1, 3, 4, 5, 6
        ON CONFLICT (server_id, hour, user_id, method, identifier, bucket) DO UPDATE SET calls = total.calls + excluded.calls, errors = total.errors + excluded.errors
        """;

    public override DateTimeOffset At(AuditRow row) => row.At;

    public override ReadOnlySpan<byte> Ciphertext(AuditRow row) => row.Detail;

    public override void Write(NpgsqlBinaryImporter to, AuditRow row)
    {
        to.Write(row.At.UtcDateTime, NpgsqlDbType.TimestampTz);
        to.Write(row.Id, NpgsqlDbType.Uuid);
        Text(row.UserId);
        Text(row.CredentialId);
        Text(row.ClientName);
        Text(row.ClientVersion);
        Text(row.ServerId);
        Text(row.Method);
        Text(row.Identifier);
        to.Write(row.Status, NpgsqlDbType.Smallint);
        Text(row.Error);
        to.Write(row.DurationMicroseconds, NpgsqlDbType.Bigint);
        Text(row.SessionId);
        Text(row.TraceId);
        Text(row.ClientIp);
        Optional(row.Filters, NpgsqlDbType.Jsonb);
        to.Write(row.RequestBytes, NpgsqlDbType.Bigint);
        to.Write(row.ResponseBytes, NpgsqlDbType.Bigint);
        Optional(row.Detail, NpgsqlDbType.Bytea);

        void Text(string? text) => Optional(text, NpgsqlDbType.Text);

        void Optional<T>(T? value, NpgsqlDbType type)
            where T : class
        {
            if (value is null)
            {
                to.WriteNull();
            }
            else
            {
                to.Write(value, type);
            }
        }
    }
}
