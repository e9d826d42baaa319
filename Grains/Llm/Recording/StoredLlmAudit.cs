using System.Globalization;
using System.Text;
using System.Text.Json;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Llm.Recording;

/// <summary>Records in <c>llm_audit_logs</c>, sums in <c>llm_usage</c>.</summary>
internal sealed class StoredLlmAudit(RecordPools pools, IEncryption encryption, TimeProvider time) : ILlmAudit
{
    private const int MostRows = 10_000;
    private const string Columns =
        "id, at, user_id, credential_id, operation, model_asked, provider_id, model_id, model_used, status, error, input_tokens, cached_tokens, output_tokens, usage_known, micro_usd, duration_us, first_token_us, streamed, attempts, client, client_ip, violations::text, request_bytes, response_bytes";

    public async Task<Page<LlmAuditEntry>> List(Principal caller, LlmAuditQuery query, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        var sql = new Conditions();
        Own(sql, caller);
        sql.Equal("user_id", query.UserId);
        sql.Equal("provider_id", query.Provider);
        sql.Equal("operation", query.Operation);
        if (query.Model is { } model)
        {
            sql.Add("(model_used = {0} OR model_asked = {0} OR model_id = {0})", model);
        }

        sql.AddIf(query.Failed is true, "error IS NOT NULL").AddIf(query.Failed is false, "error IS NULL").AddIf(query.Violated is true, "violations IS NOT NULL");
        sql.Add("at >= {0}", query.StartTime ?? time.GetUtcNow().AddYears(-5));
        if (query.EndTime is { } end)
        {
            sql.Add("at < {0}", end);
        }

        if (after is { } position)
        {
            sql.Add("(at, id) < ({0}, {1})", position.CreatedAt, Guid.TryParse(position.Id, out var id) ? id : throw new InvalidInputException("cursor", "Not a cursor of this list."));
        }

        var found = await ReadAsync(sql, $"ORDER BY at DESC, id DESC LIMIT {limit + 1}", cancellationToken);
        var next = found.Count > limit ? new PageCursor(found[limit - 1].CreatedAt, found[limit - 1].Id).ToString() : null;
        return new([.. found.Take(limit)], next);
    }

    public async Task<LlmAuditEntry?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        if (!Guid.TryParse(id, out var guid))
        {
            return null;
        }

        var sql = new Conditions();
        Own(sql, caller);
        sql.Add("id = {0}", guid);

        // the moment of a UUIDv7 is near that of the record: only its day has to be looked at
        var moment = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(guid.ToString("N").AsSpan(0, 12), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        sql.Add("at BETWEEN {0} AND {1}", moment.AddHours(-1), moment.AddHours(1));
        return await ReadAsync(sql, "LIMIT 1", cancellationToken) is [var entry] ? caller is { Auditor: true, ServerIds: null } ? await WithBodiesAsync(entry, guid, cancellationToken) : entry : null;
    }

    public async Task<IReadOnlyList<TokenUsageRow>> Usage(Principal caller, TokenUsageQuery query, CancellationToken cancellationToken)
    {
        if (query.GroupBy.FirstOrDefault(name => !TokenUsageQuery.Dimensions.Contains(name, StringComparer.Ordinal)) is { } unknown)
        {
            throw new InvalidInputException("groupBy", $"'{unknown}' is none of {string.Join(", ", TokenUsageQuery.Dimensions)}.");
        }

        bool By(string name) => query.GroupBy.Contains(name, StringComparer.Ordinal);
        var sql = new Conditions();
        if (!SeesAll(caller))
        {
            sql.Add("u.user_id = {0}", caller.UserId);
        }

        sql.Equal("u.user_id", query.UserId);
        sql.Equal("u.model", query.Model);
        if (query.GroupId is { } group)
        {
            sql.Add("EXISTS (SELECT 1 FROM group_members m WHERE m.user_id = u.user_id AND m.group_id = {0})", group);
        }

        sql.Add("u.day >= {0}", query.From ?? DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime).AddDays(-30));
        if (query.To is { } to)
        {
            sql.Add("u.day <= {0}", to);
        }

        var dimensions = new[]
        {
            By("user") ? "u.user_id" : "NULL", By("group") ? "g.group_id" : "NULL", By("model") ? "u.model" : "NULL", By("provider") ? "u.provider_id" : "NULL", By("key") ? "u.credential_id" : "NULL", By("day") ? "u.day" : "NULL::date",
        };
        var from = By("group") ? "llm_usage u JOIN group_members g ON g.user_id = u.user_id" : "llm_usage u";
        await using var command = sql.Command(pools.Reads, where =>
            $"SELECT {string.Join(", ", dimensions)}, sum(calls)::bigint, sum(errors)::bigint, sum(input_tokens)::bigint, sum(cached_tokens)::bigint, sum(output_tokens)::bigint, sum(micro_usd)::bigint FROM {from} WHERE {where} GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(calls) > 0 ORDER BY 12 DESC, 9 DESC, 6 LIMIT {MostRows}");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<TokenUsageRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new()
            {
                UserID = Text(reader, 0),
                GroupID = Text(reader, 1),
                Model = Text(reader, 2),
                ModelProvider = Text(reader, 3),
                KeyID = Text(reader, 4),
                Day = reader.IsDBNull(5) ? null : reader.GetFieldValue<DateOnly>(5),
                Calls = reader.GetInt64(6),
                Errors = reader.GetInt64(7),
                InputTokens = reader.GetInt64(8),
                CachedTokens = reader.GetInt64(9),
                OutputTokens = reader.GetInt64(10),
                Usd = reader.GetInt64(11) / 1e6m,
            });
        }

        return rows;
    }

    /// <summary>A credential for some servers is for calls of those: of models it shows what is the caller's own.</summary>
    private static bool SeesAll(Principal caller) => (caller.Role >= Role.Admin || caller.Auditor) && caller.ServerIds is null;

    private static void Own(Conditions sql, Principal caller)
    {
        if (!SeesAll(caller))
        {
            sql.Add("user_id = {0}", caller.UserId);
        }
    }

    private async Task<List<LlmAuditEntry>> ReadAsync(Conditions sql, string end, CancellationToken cancellationToken)
    {
        await using var command = sql.Command(pools.Reads, where => $"SELECT {Columns} FROM {LlmRow.Logs} WHERE {where} {end}");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new List<LlmAuditEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(Entry(reader));
        }

        return found;
    }

    private static LlmAuditEntry Entry(NpgsqlDataReader reader) => new()
    {
        Id = reader.GetGuid(0).ToString("D", CultureInfo.InvariantCulture),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(1),
        UserID = reader.GetString(2),
        CredentialID = reader.GetString(3),
        Operation = reader.GetString(4),
        ModelAsked = Text(reader, 5),
        ModelProvider = Text(reader, 6),
        ModelID = Text(reader, 7),
        ModelUsed = Text(reader, 8),
        Status = reader.GetInt16(9),
        Error = Text(reader, 10),
        InputTokens = reader.GetInt64(11),
        CachedTokens = reader.GetInt64(12),
        OutputTokens = reader.GetInt64(13),
        UsageKnown = reader.GetBoolean(14),
        Usd = reader.GetInt64(15) / 1e6m,
        DurationMs = reader.GetInt64(16) / 1000.0,
        FirstTokenMs = reader.IsDBNull(17) ? null : reader.GetInt64(17) / 1000.0,
        Streamed = reader.GetBoolean(18),
        Attempts = reader.GetInt16(19),
        Client = Text(reader, 20),
        ClientIP = Text(reader, 21),
        Violations = Text(reader, 22) is { } violations ? LlmJson.Read<List<MessageViolation>>(violations) : null,
        RequestBytes = reader.GetInt64(23),
        ResponseBytes = reader.GetInt64(24),
    };

    private async Task<LlmAuditEntry> WithBodiesAsync(LlmAuditEntry entry, Guid id, CancellationToken cancellationToken)
    {
        await using var command = pools.Reads.CreateCommand($"SELECT detail FROM {LlmRow.Bodies} WHERE at = $1 AND id = $2");
        command.Parameters.Add(new() { Value = entry.CreatedAt });
        command.Parameters.Add(new() { Value = id });
        if (await command.ExecuteScalarAsync(cancellationToken) is not byte[] detail)
        {
            return entry;
        }

        var plain = encryption.Decrypt(LlmRow.PlaceOf(id), detail);
        var (request, response) = plain is [(byte)'{', ..] ? JsonSerializer.Deserialize<BodyPair>(plain)! : BodyPair.Of(AuditDetail.Read(plain));
        return entry with { RequestBody = Encoding.UTF8.GetString(request.Span), ResponseBody = Encoding.UTF8.GetString(response.Span) };
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>Of records of an earlier version: Base64 in JSON.</summary>
    private sealed record BodyPair(ReadOnlyMemory<byte> Request, ReadOnlyMemory<byte> Response)
    {
        public static BodyPair Of(AuditDetail detail) => new(detail.RequestBody, detail.ResponseBody);
    }

    /// <summary>A WHERE clause whose values are parameters.</summary>
    private sealed class Conditions
    {
        private readonly List<string> all = ["true"];
        private readonly List<object> values = [];

        public void Add(string condition, params object[] given)
        {
            all.Add(string.Format(CultureInfo.InvariantCulture, condition, [.. given.Select((_, i) => $"${values.Count + i + 1}")]));
            values.AddRange(given);
        }

        public void Equal(string column, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                Add($"{column} = {{0}}", value);
            }
        }

        public Conditions AddIf(bool when, string condition)
        {
            if (when)
            {
                all.Add(condition);
            }

            return this;
        }

        // texts of this class; whatever a user gave is a parameter
#pragma warning disable CA2100
        public NpgsqlCommand Command(NpgsqlDataSource source, Func<string, string> sql)
        {
            var command = source.CreateCommand(sql(string.Join(" AND ", all)));
            values.ForEach(value => command.Parameters.Add(new() { Value = value }));
            return command;
        }
#pragma warning restore CA2100
    }
}
