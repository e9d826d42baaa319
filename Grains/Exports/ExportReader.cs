using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Audit;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Exports;

/// <summary>The next records of an export, as one object: lines of JSON, compressed; of one day, so that its name tells the day.</summary>
/// <param name="Content">gzip.</param>
internal sealed record ExportChunk(byte[] Content, long Rows, DateTimeOffset LastAt, Guid LastId);

/// <summary>Reads records in the order of time and id.</summary>
internal sealed class ExportReader(NpgsqlDataSource database, IEncryption encryption)
{
    private const string Columns =
        "l.at, l.id, l.user_id, l.credential_id, l.client_name, l.client_version, l.server_id, l.method, l.identifier, l.status, l.error, l.duration_us, l.session_id, l.trace_id, l.client_ip, l.filters::text, l.request_bytes, l.response_bytes";

    private const string Conditions =
        """
        l.at >= $1 AND l.at < $2 AND ($3::text IS NULL OR l.server_id = $3) AND ($4::text IS NULL OR l.user_id = $4) AND ($5::text IS NULL OR l.client_name = $5)
        AND ($6::text IS NULL OR l.method = $6) AND ($7::text IS NULL OR l.identifier = $7) AND ($8::text IS NULL OR l.session_id = $8) AND ($9::smallint IS NULL OR l.status = $9)
        """;

    private const string Count = $"SELECT count(*) FROM {AuditKind.Logs} l WHERE {Conditions}";
    private const string After = $"FROM {AuditKind.Logs} l WHERE {Conditions} AND ($10::timestamptz IS NULL OR (l.at, l.id) > ($10, $11)) ORDER BY l.at, l.id LIMIT $12";
    private const string Metadata = $"SELECT {Columns}, NULL::bytea {After}";
    private const string WithBodies = $"SELECT {Columns}, b.detail FROM (SELECT l.* {After}) l LEFT JOIN {AuditRow.Bodies} b USING (at, id) ORDER BY l.at, l.id";

    public async Task<long> CountAsync(ExportRow row, CancellationToken cancellationToken)
    {
        await using var command = Command(Count, row, row.StartTime);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Null when there are no more.</summary>
    public async Task<ExportChunk?> NextAsync(ExportRow row, ExportOptions options, CancellationToken cancellationToken)
    {
        await using var command = Command(row.IncludeBodies ? WithBodies : Metadata, row, row.LastAt ?? row.StartTime);
        command.Parameters.Add(new() { Value = (object?)row.LastAt?.UtcDateTime ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = row.LastId ?? Guid.Empty });
        command.Parameters.Add(new() { Value = options.MaxRowsPerObject });

        using var content = new MemoryStream();
        await using var zip = new GZipStream(content, CompressionLevel.Optimal, leaveOpen: true);
        var line = new ArrayBufferWriter<byte>(4096);
        var (rows, bytes) = (0L, 0L);
        (DateTimeOffset At, Guid Id) last = default;
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
            {
                var at = reader.GetFieldValue<DateTimeOffset>(0);
                if (rows > 0 && (at.UtcDateTime.Date != last.At.UtcDateTime.Date || bytes >= options.MaxBytesPerObject))
                {
                    break;
                }

                last = (at, reader.GetGuid(1));
                line.ResetWrittenCount();
                Write(line, reader);
                await zip.WriteAsync(line.WrittenMemory, cancellationToken);
                rows++;
                bytes += line.WrittenCount;
            }
        }

        if (rows == 0)
        {
            return null;
        }

        await zip.DisposeAsync();
        return new(content.ToArray(), rows, last.At, last.Id);
    }

    private NpgsqlCommand Command(string sql, ExportRow row, DateTimeOffset from)
    {
        var filters = JsonSerializer.Deserialize<ExportFilters>(row.Filters, JsonSerializerOptions.Web)!;
#pragma warning disable CA2100 // constants of this file; what people typed is in parameters
        var command = database.CreateCommand(sql);
#pragma warning restore CA2100
        command.CommandTimeout = 120;
        command.Parameters.Add(new() { Value = from.UtcDateTime });
        command.Parameters.Add(new() { Value = row.EndTime.UtcDateTime });
        foreach (var text in new[] { filters.McpServerID, filters.UserID, filters.Client, filters.Method, filters.Identifier, filters.SessionID })
        {
            command.Parameters.Add(new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        }

        command.Parameters.Add(new() { Value = filters.Status is { } status ? (short)status : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Smallint });
        return command;
    }

    /// <summary>One record with the names of the management API, and a line feed.</summary>
    private void Write(ArrayBufferWriter<byte> line, NpgsqlDataReader reader)
    {
        var id = reader.GetGuid(1);
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("id", id.ToString("D", CultureInfo.InvariantCulture));
            json.WriteString("createdAt", reader.GetFieldValue<DateTimeOffset>(0).ToUniversalTime());
            Text("userID", 2);
            Text("credentialID", 3);
            Text("clientName", 4);
            Text("clientVersion", 5);
            Text("mcpServerID", 6);
            Text("method", 7);
            Text("identifier", 8);
            json.WriteNumber("status", reader.GetInt16(9));
            Text("error", 10);
            json.WriteNumber("durationMs", reader.GetInt64(11) / 1000.0);
            Text("sessionID", 12);
            Text("traceID", 13);
            Text("clientIP", 14);
            json.WritePropertyName("filters");
            json.WriteRawValue(reader.IsDBNull(15) ? "[]" : reader.GetString(15));
            json.WriteNumber("requestBytes", reader.GetInt64(16));
            json.WriteNumber("responseBytes", reader.GetInt64(17));
            if (!reader.IsDBNull(18))
            {
                Bodies(json, id, reader.GetFieldValue<byte[]>(18));
            }

            json.WriteEndObject();
            json.Flush();

            void Text(string name, int column)
            {
                if (!reader.IsDBNull(column))
                {
                    json.WriteString(name, reader.GetString(column));
                }
            }
        }

        line.Write("\n"u8);
    }

    private void Bodies(Utf8JsonWriter json, Guid id, byte[] stored)
    {
        var detail = AuditDetail.Read(encryption.Decrypt(AuditRow.PlaceOf(id), stored));
        Headers("requestHeaders", detail.RequestHeaders);
        Headers("responseHeaders", detail.ResponseHeaders);
        json.WriteString("requestBody", System.Text.Encoding.UTF8.GetString(detail.RequestBody.Span));
        json.WriteString("responseBody", System.Text.Encoding.UTF8.GetString(detail.ResponseBody.Span));

        void Headers(string name, IReadOnlyList<KeyValuePair<string, string>> headers)
        {
            json.WriteStartObject(name);
            foreach (var group in headers.GroupBy(header => header.Key, header => header.Value, StringComparer.OrdinalIgnoreCase))
            {
                json.WriteString(group.Key, string.Join(", ", group));
            }

            json.WriteEndObject();
        }
    }
}
