using System.Globalization;
using System.Text.Json;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <summary>A record as the tables have it: texts cut and cleaned, bodies and headers encrypted.</summary>
internal sealed record AuditRow
{
    public const string Bodies = "mcp_audit_bodies";
    public const string DetailColumn = "detail";

    public required Guid Id { get; init; }
    public required DateTimeOffset At { get; init; }
    public string? UserId { get; init; }
    public string? CredentialId { get; init; }
    public string? ClientName { get; init; }
    public string? ClientVersion { get; init; }
    public string? ServerId { get; init; }
    public required string Method { get; init; }
    public string? Identifier { get; init; }
    public required short Status { get; init; }
    public string? Error { get; init; }
    public required long DurationMicroseconds { get; init; }
    public string? SessionId { get; init; }
    public string? TraceId { get; init; }
    public string? ClientIp { get; init; }
    public string? Filters { get; init; }
    public long RequestBytes { get; init; }
    public long ResponseBytes { get; init; }

    /// <summary>Null where there is neither body nor header.</summary>
    public byte[]? Detail { get; init; }

    /// <param name="record">As its writer knows it.</param>
    /// <param name="serverId">Whose journal or channel it came from; null for a silo's own, which says so itself.</param>
    /// <param name="encryption">For bodies and headers.</param>
    public static AuditRow Of(AuditRecord record, string? serverId, IEncryption encryption) => new()
    {
        Id = record.Id,
        At = record.At,
        UserId = RecordText.Clean(record.UserId, 200),
        CredentialId = RecordText.Clean(record.CredentialId, 200),
        ClientName = RecordText.Clean(record.ClientName, 200),
        ClientVersion = RecordText.Clean(record.ClientVersion, 100),
        ServerId = RecordText.Clean(serverId ?? record.ServerId, 200),
        Method = RecordText.Clean(record.Method, 200)!,
        Identifier = RecordText.Clean(record.Identifier, 1000),
        Status = (short)record.Status,
        Error = RecordText.Clean(record.Error, 1000),
        DurationMicroseconds = (long)record.Duration.TotalMicroseconds,
        SessionId = RecordText.Clean(record.SessionId, 200),
        TraceId = RecordText.Clean(record.TraceId, 64),
        ClientIp = RecordText.Clean(record.ClientIp, 64),
        Filters = record.Filters.Count == 0 ? null : JsonSerializer.Serialize(record.Filters.Select(Cleaned), JsonSerializerOptions.Web),
        RequestBytes = record.RequestBytes,
        ResponseBytes = record.ResponseBytes,
        Detail = record.Detail.IsEmpty ? null : encryption.Encrypt(PlaceOf(record.Id), record.Detail.Span),
    };

    public static SecretPlace PlaceOf(Guid id) => new(Bodies, id.ToString("D", CultureInfo.InvariantCulture), DetailColumn);

    private static FilterRun Cleaned(FilterRun filter) =>
        new(RecordText.Clean(filter.Name, 200)!, RecordText.Clean(filter.Outcome, 50)!, RecordText.Clean(filter.Detail, FilterRun.MaxDetail));
}
