namespace Obot.Grains.Abstractions.Exports;

/// <summary>Where exports go: body of <c>POST</c> and <c>PUT</c> of <c>/api/storage-credentials</c>.</summary>
public sealed record NewStorage
{
    /// <summary>1 to 100 characters.</summary>
    public string? Name { get; init; }

    /// <summary><c>s3</c>, <c>azure</c> (Blob Storage) or <c>directory</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Of S3-compatible storage; null for AWS. Of Azure: the account's blob endpoint, and <see cref="Bucket"/> is the container.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Default <c>us-east-1</c>.</summary>
    public string? Region { get; init; }
    public string? Bucket { get; init; }

    /// <summary>Bucket in the path in place of the host name; default true where there is an endpoint.</summary>
    public bool? PathStyle { get; init; }

    /// <summary><c>WHEN_SUPPORTED</c> (default), or <c>WHEN_REQUIRED</c> for older storage that refuses checksums in trailers.</summary>
    public string? ChecksumMode { get; init; }

    /// <summary>Encryption by the storage: null, <c>AES256</c> or <c>aws:kms</c>.</summary>
    public string? ServerSideEncryption { get; init; }

    /// <summary>Key of <c>aws:kms</c>; null for the bucket's own.</summary>
    public string? KmsKeyID { get; init; }

    /// <summary>Null for the credentials of the machine (instance role, managed identity, environment). Of Azure: the account, and the secret is its key.</summary>
    public string? AccessKeyID { get; init; }

    /// <summary>Write-only; absent on an update keeps what there is.</summary>
    public string? SecretAccessKey { get; init; }

    /// <summary>Of kind <c>directory</c>: absolute; null for <c>exports</c> in the silo's data folder.</summary>
    public string? Directory { get; init; }
}

/// <summary>The same as it is kept, without the secret.</summary>
public sealed record StorageView(string Id, NewStorage Settings, bool HasSecret, string CreatedBy, long Revision, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <param name="Ok">A small object was written, read back and removed.</param>
/// <param name="Step">Where it failed: <c>write</c>, <c>read</c>, <c>delete</c>.</param>
public sealed record StorageTest(bool Ok, string? Step, string? Error);

/// <summary>Which records: all that fit every given condition.</summary>
public sealed record ExportFilters
{
    public string? McpServerID { get; init; }
    public string? UserID { get; init; }
    public string? Client { get; init; }
    public string? Method { get; init; }
    public string? Identifier { get; init; }
    public string? SessionID { get; init; }

    /// <summary>HTTP status of the answer.</summary>
    public int? Status { get; init; }
}

/// <summary>Body of <c>POST /api/audit-log-exports</c>.</summary>
public sealed record NewExport
{
    public string? Name { get; init; }

    /// <summary>Default: the directory of the silo.</summary>
    public string? StorageCredentialID { get; init; }

    /// <summary>Inclusive.</summary>
    public DateTimeOffset? StartTime { get; init; }

    /// <summary>Exclusive; default now.</summary>
    public DateTimeOffset? EndTime { get; init; }
    public ExportFilters? Filters { get; init; }

    /// <summary>What the names of objects begin with. Default <c>mcp-audit-logs</c>.</summary>
    public string? KeyPrefix { get; init; }

    /// <summary>Bodies and headers of calls too: for auditors, and their default; false for everyone else.</summary>
    public bool? IncludeBodies { get; init; }
}

/// <summary>Body of <c>POST</c> and <c>PUT</c> of <c>/api/scheduled-audit-log-exports</c>.</summary>
public sealed record NewExportSchedule
{
    public string? Name { get; init; }
    public string? StorageCredentialID { get; init; }

    /// <summary><c>hourly</c>, <c>daily</c>, <c>weekly</c> (from Monday) or <c>monthly</c>; periods are in UTC and exported some minutes after their end.</summary>
    public string? Schedule { get; init; }
    public ExportFilters? Filters { get; init; }
    public string? KeyPrefix { get; init; }
    public bool? IncludeBodies { get; init; }

    /// <summary>Default true.</summary>
    public bool? Enabled { get; init; }
}

public sealed record ExportScheduleView(
    string Id, string Name, string StorageCredentialID, string Schedule, ExportFilters Filters, string KeyPrefix, bool IncludeBodies, bool Enabled, string CreatedBy,
    DateTimeOffset NextFrom, DateTimeOffset NextRunAt, long Revision, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>A job and how far it is.</summary>
public sealed record ExportView
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string StorageCredentialID { get; init; }
    public string? ScheduleID { get; init; }
    public required ExportFilters Filters { get; init; }
    public required string KeyPrefix { get; init; }
    public required bool IncludeBodies { get; init; }
    public required DateTimeOffset StartTime { get; init; }
    public required DateTimeOffset EndTime { get; init; }

    /// <summary><c>Pending</c> · <c>Running</c> · <c>Completed</c> · <c>Failed</c> · <c>Cancelled</c>.</summary>
    public required string State { get; init; }
    public string? Error { get; init; }
    public required long TotalRows { get; init; }
    public required long ExportedRows { get; init; }
    public required long ExportedBytes { get; init; }

    /// <summary>Names of the objects that are written.</summary>
    public required IReadOnlyList<string> Objects { get; init; }
    public required string CreatedBy { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? CompletedAt { get; init; }
}
