namespace Obot.Data.Tables;

/// <summary>Table <c>storage_credentials</c>.</summary>
public sealed class StorageRow
{
    public required string Id { get; set; }
    public required string Name { get; set; }

    /// <summary>JSON: kind, endpoint, bucket, …; nothing secret.</summary>
    public required string Settings { get; set; }

    /// <summary>Encrypted secret access key.</summary>
    public string? Secret { get; set; }
    public required string CreatedBy { get; set; }
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>scheduled_audit_log_exports</c>.</summary>
public sealed class ExportScheduleRow
{
    public required string Id { get; set; }
    public required string Name { get; set; }
    public required string StorageId { get; set; }

    /// <summary><c>hourly</c>, <c>daily</c>, <c>weekly</c>, <c>monthly</c>.</summary>
    public required string Period { get; set; }

    /// <summary>JSON of the filters.</summary>
    public required string Filters { get; set; }
    public required string KeyPrefix { get; set; }
    public required bool IncludeBodies { get; set; }
    public required bool Enabled { get; set; }
    public required string CreatedBy { get; set; }

    /// <summary>Beginning of the period that is exported next.</summary>
    public required DateTimeOffset NextFrom { get; set; }
    public required long Revision { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
}

/// <summary>Table <c>audit_log_exports</c>: a job and how far it is.</summary>
public sealed class ExportRow
{
    public required string Id { get; set; }
    public required string Name { get; set; }
    public required string StorageId { get; set; }
    public string? ScheduleId { get; set; }
    public required string Filters { get; set; }
    public required string KeyPrefix { get; set; }
    public required bool IncludeBodies { get; set; }
    public required DateTimeOffset StartTime { get; set; }

    /// <summary>Exclusive.</summary>
    public required DateTimeOffset EndTime { get; set; }

    /// <summary><c>Pending</c>, <c>Running</c>, <c>Completed</c>, <c>Failed</c>, <c>Cancelled</c>.</summary>
    public required string State { get; set; }
    public string? Error { get; set; }

    /// <summary>Times that it was begun, or begun again, since the last object was written.</summary>
    public int Attempts { get; set; }
    public long TotalRows { get; set; }
    public long ExportedRows { get; set; }
    public long ExportedBytes { get; set; }

    /// <summary>Names of the objects that are written, in their order.</summary>
    public required string[] Objects { get; set; }

    /// <summary>Last record that is in an object.</summary>
    public DateTimeOffset? LastAt { get; set; }
    public Guid? LastId { get; set; }
    public required string CreatedBy { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }
    public required DateTimeOffset UpdatedAt { get; set; }
    public DateTimeOffset? CompletedAt { get; set; }
}
