using System.Globalization;
using Npgsql;
using NpgsqlTypes;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Llm.Recording;

/// <summary>A record as the tables have it.</summary>
/// <param name="Detail">Bodies, encrypted; null where there are none.</param>
internal sealed record LlmRow(LlmRecord Record, byte[]? Detail)
{
    public const string Logs = "llm_audit_logs";
    public const string Bodies = "llm_audit_bodies";

    public static LlmRow Of(AuditRecord frame, IEncryption encryption) =>
        new(LlmFrame.Read(frame), frame.Detail.IsEmpty ? null : encryption.Encrypt(PlaceOf(frame.Id), frame.Detail.Span));

    public static SecretPlace PlaceOf(Guid id) => new(Bodies, id.ToString("D", CultureInfo.InvariantCulture), "detail");
}

/// <summary>Calls of models: <c>llm_audit_logs</c>, <c>llm_audit_bodies</c>, and the roll-up <c>llm_usage</c>. Kept as long as other audit records.</summary>
internal sealed class LlmKind(IOptions<AuditOptions> options) : RecordKind<LlmRow>
{
    private const string Columns =
        "at, id, user_id, credential_id, operation, model_asked, provider_id, model_id, model_used, status, error, input_tokens, cached_tokens, output_tokens, usage_known, micro_usd, duration_us, first_token_us, streamed, attempts, client, client_ip, violations, request_bytes, response_bytes";

    public override IReadOnlyList<string> Tables { get; } = [LlmRow.Logs, LlmRow.Bodies];

    public override int RetentionDays => options.Value.RetentionDays;

    public override string Stage => $"CREATE TEMP TABLE llm_stage (LIKE {LlmRow.Logs}, detail bytea) ON COMMIT DELETE ROWS; ALTER TABLE llm_stage ALTER detail SET STORAGE EXTERNAL";

    public override string Copy => $"COPY llm_stage ({Columns}, detail) FROM STDIN (FORMAT BINARY)";

    public override string Insert =>
        $"""
        WITH fresh AS (
            INSERT INTO {LlmRow.Logs} ({Columns}) SELECT {Columns} FROM llm_stage ON CONFLICT DO NOTHING
            RETURNING at, id, user_id, credential_id, provider_id, model_used, model_asked, error, input_tokens, cached_tokens, output_tokens, micro_usd),
        bodies AS (
            INSERT INTO {LlmRow.Bodies} (at, id, detail)
            SELECT s.at, s.id, s.detail FROM llm_stage s JOIN fresh USING (at, id) WHERE s.detail IS NOT NULL ON CONFLICT DO NOTHING)
        INSERT INTO llm_usage AS total (day, user_id, credential_id, provider_id, model, calls, errors, input_tokens, cached_tokens, output_tokens, micro_usd)
        SELECT (at AT TIME ZONE 'UTC')::date, user_id, credential_id, coalesce(provider_id, ''), coalesce(model_used, ''), count(*), count(*) FILTER (WHERE error IS NOT NULL),
               sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(micro_usd)
        FROM fresh GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (day, user_id, credential_id, provider_id, model) DO UPDATE SET
            calls = total.calls + excluded.calls, errors = total.errors + excluded.errors, input_tokens = total.input_tokens + excluded.input_tokens,
            cached_tokens = total.cached_tokens + excluded.cached_tokens, output_tokens = total.output_tokens + excluded.output_tokens, micro_usd = total.micro_usd + excluded.micro_usd
        """;

    public override DateTimeOffset At(LlmRow row) => row.Record.At;

    public override ReadOnlySpan<byte> Ciphertext(LlmRow row) => row.Detail;

    public override void Write(NpgsqlBinaryImporter to, LlmRow row)
    {
        var record = row.Record;
        to.Write(record.At.UtcDateTime, NpgsqlDbType.TimestampTz);
        to.Write(record.Id, NpgsqlDbType.Uuid);
        Text(record.UserId, 200);
        Text(record.CredentialId, 200);
        Text(Operation(record.Operation), 50);
        Text(record.ModelAsked, 200);
        Text(record.ProviderId, 200);
        Text(record.ModelId, 200);
        Text(record.ModelUsed, 200);
        to.Write((short)record.Status, NpgsqlDbType.Smallint);
        Text(record.Error, 200);
        to.Write(record.InputTokens, NpgsqlDbType.Bigint);
        to.Write(record.CachedTokens, NpgsqlDbType.Bigint);
        to.Write(record.OutputTokens, NpgsqlDbType.Bigint);
        to.Write(record.UsageKnown, NpgsqlDbType.Boolean);
        to.Write(record.MicroUsd, NpgsqlDbType.Bigint);
        to.Write((long)record.Duration.TotalMicroseconds, NpgsqlDbType.Bigint);
        Optional(record.FirstToken is { } first ? (long)first.TotalMicroseconds : null, NpgsqlDbType.Bigint);
        to.Write(record.Streamed, NpgsqlDbType.Boolean);
        to.Write((short)record.Attempts, NpgsqlDbType.Smallint);
        Text(record.Client, 200);
        Text(record.ClientIp, 64);
        Optional(record.Violations.Count == 0 ? null : LlmJson.Write(record.Violations), NpgsqlDbType.Jsonb);
        to.Write(record.RequestBytes, NpgsqlDbType.Bigint);
        to.Write(record.ResponseBytes, NpgsqlDbType.Bigint);
        Optional(row.Detail, NpgsqlDbType.Bytea);

        void Text(string? text, int most) => Optional(RecordText.Clean(text, most), NpgsqlDbType.Text);

        void Optional(object? value, NpgsqlDbType type)
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

    /// <summary>As OpenTelemetry's GenAI conventions name operations, where they have a name.</summary>
    public static string Operation(LlmOperation operation) => operation switch
    {
        LlmOperation.Chat => "chat",
        LlmOperation.Responses => "responses",
        LlmOperation.Embeddings => "embeddings",
        LlmOperation.Messages => "messages",
        LlmOperation.CountTokens => "count_tokens",
        _ => "models",
    };
}
