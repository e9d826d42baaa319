using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Npgsql;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <summary>
/// Searches from the newest day back, a longer stretch each time that the page is not full: common things are found in the first, rare ones by
/// an index or by reading on, for as long as a caller may be kept waiting.
/// </summary>
internal sealed class StoredAuditLogs(RecordPools pools, AuditSight sight, IEncryption encryption, IAuditEvents events, IOptions<AuditOptions> options, TimeProvider time) : IAuditLogs
{
    private const string Columns =
        "id, at, user_id, credential_id, client_name, client_version, server_id, method, identifier, status, error, duration_us, session_id, trace_id, client_ip, filters::text, request_bytes, response_bytes";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan FirstStretch = TimeSpan.FromDays(1);

    public async Task<Page<AuditEntry>> Search(Principal caller, AuditQuery query, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        if (after is { } position && !Guid.TryParse(position.Id, out _))
        {
            throw new InvalidInputException("cursor", "Not a cursor of this list.");
        }

        var conditions = await AuditConditions.OfAsync(query, await sight.ServersOfAsync(caller, cancellationToken), sight, cancellationToken);
        var (oldest, newest) = Bounds(query);
        var found = new List<AuditEntry>(limit + 1);
        var begun = time.GetTimestamp();
        var to = after is { } start && start.CreatedAt < newest ? start.CreatedAt.AddTicks(TimeSpan.TicksPerMicrosecond) : newest;
        var stretch = FirstStretch;
        while (to > oldest && found.Count <= limit)
        {
            if (time.GetElapsedTime(begun) > Patience)
            {
                // everything from there on was read: the next page goes on before it
                return await PageAsync(found, new PageCursor(to, Guid.Empty.ToString()), cancellationToken);
            }

            var from = to - stretch > oldest ? to - stretch : oldest;
            await ReadAsync(found, conditions, from, to, after, limit + 1 - found.Count, cancellationToken);
            (to, stretch) = (from, stretch * 2);
        }

        if (found.Count <= limit)
        {
            return await PageAsync(found, null, cancellationToken);
        }

        found.RemoveAt(limit);
        return await PageAsync(found, new PageCursor(found[^1].At, found[^1].Id), cancellationToken);
    }

    public async Task<AuditEntry?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        var servers = await sight.ServersOfAsync(caller, cancellationToken);
        if (!Guid.TryParseExact(id, "D", out var guid) || CallId.TimeOf(guid) is not { } moment)
        {
            return null;
        }

        var conditions = await AuditConditions.OfAsync(new(), servers, sight, cancellationToken);
        await using var command = conditions.Command(
            pools.Reads, where => $"SELECT {Columns} FROM {AuditKind.Logs} WHERE at = $1 AND id = $2{where}", moment, guid);
        var found = new List<AuditEntry>(1);
        await ReadAsync(found, command, cancellationToken);
        if (found.Count == 0)
        {
            return null;
        }

        var entry = (await NamedAsync(found, cancellationToken))[0];
        return caller.Auditor ? entry with { Bodies = await BodiesAsync(caller, entry, guid, cancellationToken) } : entry;
    }

    private (DateTimeOffset Oldest, DateTimeOffset Newest) Bounds(AuditQuery query)
    {
        if (query is { StartTime: { } start, EndTime: { } end } && end < start)
        {
            throw new InvalidInputException("endTime", "Must not be before startTime.");
        }

        var now = time.GetUtcNow();
        var (first, last) = (now.AddDays(-options.Value.RetentionDays - 1), now.AddDays(DayPartitions.Ahead + 1));
        return (query.StartTime > first ? query.StartTime.Value : first, query.EndTime < last ? query.EndTime.Value : last);
    }

    private async Task ReadAsync(List<AuditEntry> found, AuditConditions conditions, DateTimeOffset from, DateTimeOffset to, PageCursor? after, int most, CancellationToken cancellationToken)
    {
        var (at, id) = after is { } position ? (position.CreatedAt, Guid.Parse(position.Id)) : (DateTimeOffset.MaxValue, Guid.Empty);
        await using var command = conditions.Command(
            pools.Reads,
            where => $"SELECT {Columns} FROM {AuditKind.Logs} WHERE at >= $1 AND at < $2 AND (at, id) < ($3, $4){where} ORDER BY at DESC, id DESC LIMIT $5",
            from, to, at.AddTicks(-(at.Ticks % TimeSpan.TicksPerMicrosecond)), id, most);
        await ReadAsync(found, command, cancellationToken);
    }

    private static async Task ReadAsync(List<AuditEntry> found, NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found.Add(new()
            {
                Id = reader.GetGuid(0).ToString("D", CultureInfo.InvariantCulture),
                At = reader.GetFieldValue<DateTimeOffset>(1),
                UserId = Text(2),
                CredentialId = Text(3),
                ClientName = Text(4),
                ClientVersion = Text(5),
                McpServerId = Text(6),
                Method = reader.GetString(7),
                Identifier = Text(8),
                Status = reader.GetInt16(9),
                Error = Text(10),
                DurationMs = reader.GetInt64(11) / 1000.0,
                SessionId = Text(12),
                TraceId = Text(13),
                ClientIp = Text(14),
                Filters = Text(15) is { } filters ? JsonSerializer.Deserialize<List<AuditFilterRun>>(filters, JsonSerializerOptions.Web)! : [],
                RequestBytes = reader.GetInt64(16),
                ResponseBytes = reader.GetInt64(17),
            });
        }

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    private async Task<Page<AuditEntry>> PageAsync(List<AuditEntry> found, PageCursor? next, CancellationToken cancellationToken) =>
        new(await NamedAsync(found, cancellationToken), next?.ToString());

    private async Task<IReadOnlyList<AuditEntry>> NamedAsync(List<AuditEntry> found, CancellationToken cancellationToken)
    {
        if (found.Count == 0)
        {
            return found;
        }

        var users = await sight.NamesOfUsersAsync(found.Select(entry => entry.UserId), cancellationToken);
        var servers = await sight.NamesOfServersAsync(found.Select(entry => entry.McpServerId), cancellationToken);
        return found.ConvertAll(entry => entry with { UserName = users.GetValueOrDefault(entry.UserId ?? ""), ServerName = servers.GetValueOrDefault(entry.McpServerId ?? "") });
    }

    /// <summary>Recorded first: who cannot be recorded is shown nothing.</summary>
    private async Task<AuditBodies?> BodiesAsync(Principal caller, AuditEntry entry, Guid id, CancellationToken cancellationToken)
    {
        await using var command = pools.Reads.CreateCommand($"SELECT detail FROM {AuditRow.Bodies} WHERE at = $1 AND id = $2");
        command.Parameters.Add(new() { Value = entry.At.UtcDateTime });
        command.Parameters.Add(new() { Value = id });
        if (await command.ExecuteScalarAsync(cancellationToken) is not byte[] stored)
        {
            return null;
        }

        var detail = AuditDetail.Read(encryption.Decrypt(AuditRow.PlaceOf(id), stored));
        var isRecorded = events.Record(new()
        {
            Method = AuditMethods.BodiesRead, Status = 200, UserId = caller.UserId, CredentialId = caller.CredentialId, ServerId = entry.McpServerId, Identifier = entry.Id,
        });
        return isRecorded
            ? new(detail.RequestHeaders, detail.ResponseHeaders, Encoding.UTF8.GetString(detail.RequestBody.Span), Encoding.UTF8.GetString(detail.ResponseBody.Span))
            : throw new ServerUnavailableException("Reading a record's bodies is itself recorded, and that is not possible just now: the audit log of this silo cannot be written.");
    }
}
