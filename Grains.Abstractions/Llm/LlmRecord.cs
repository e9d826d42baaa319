namespace Obot.Grains.Abstractions.Llm;

/// <summary>What is written down of one call at <c>/api/llm-proxy</c>, refused ones included.</summary>
public sealed record LlmRecord
{
    /// <summary>A UUIDv7.</summary>
    public required Guid Id { get; init; }
    public required DateTimeOffset At { get; init; }
    public required string UserId { get; init; }
    public required string CredentialId { get; init; }
    public required LlmOperation Operation { get; init; }
    public string? ModelAsked { get; init; }

    /// <summary>Null where no provider was asked, like the two below.</summary>
    public string? ProviderId { get; init; }
    public string? ModelId { get; init; }

    /// <summary>The provider's name of it.</summary>
    public string? ModelUsed { get; init; }
    public required int Status { get; init; }

    /// <summary>Code of the refusal or of what broke; null for an answer.</summary>
    public string? Error { get; init; }
    public long InputTokens { get; init; }

    /// <summary>The part of <see cref="InputTokens"/> that came from the provider's cache.</summary>
    public long CachedTokens { get; init; }
    public long OutputTokens { get; init; }

    /// <summary>Whether the provider said so; otherwise it is an estimate.</summary>
    public bool UsageKnown { get; init; }

    /// <summary>Millionths of a US dollar, by the model's prices.</summary>
    public long MicroUsd { get; init; }
    public required TimeSpan Duration { get; init; }
    public TimeSpan? FirstToken { get; init; }
    public bool Streamed { get; init; }
    public int Attempts { get; init; }

    /// <summary>As the client calls itself (<c>User-Agent</c>).</summary>
    public string? Client { get; init; }
    public string? ClientIp { get; init; }

    /// <summary>Message policies that the call broke.</summary>
    public IReadOnlyList<MessageViolation> Violations { get; init; } = [];
    public long RequestBytes { get; init; }
    public long ResponseBytes { get; init; }
}

/// <param name="Policy">Name of the message policy.</param>
/// <param name="Where"><c>user-message</c> or <c>tool-call</c>.</param>
/// <param name="Reason">What was found, never the thing itself.</param>
public sealed record MessageViolation(string PolicyId, string Policy, string Where, string Reason);

/// <summary>Port: this silo's write-ahead file of calls of models.</summary>
public interface ILlmRecorder
{
    /// <summary>
    /// Records wait on disk up to their bound (<c>Obot:Audit:MaxBacklogBytes</c>), or cannot be written, and the operator wants no call without one
    /// (<c>Obot:Audit:WhenFull</c>).
    /// </summary>
    bool MustRefuse { get; }

    /// <summary>Returns when the record is in the file, which outlives this process; from there it goes to the database in batches. Never throws.</summary>
    /// <param name="request">The first bytes of the body, like <paramref name="response"/>; encrypted before they are stored.</param>
    void Record(LlmRecord record, ReadOnlySpan<byte> request, ReadOnlySpan<byte> response);
}

/// <summary>Filters of <c>GET /api/llm-audit-logs</c>; null means any.</summary>
public sealed record LlmAuditQuery(string? UserId, string? Provider, string? Model, string? Operation, bool? Failed, bool? Violated, DateTimeOffset? StartTime, DateTimeOffset? EndTime);

/// <summary>A record as administrators and auditors see it.</summary>
public sealed record LlmAuditEntry
{
    public required string Id { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required string UserID { get; init; }
    public required string CredentialID { get; init; }
    public required string Operation { get; init; }
    public string? ModelAsked { get; init; }
    public string? ModelProvider { get; init; }
    public string? ModelID { get; init; }
    public string? ModelUsed { get; init; }
    public required int Status { get; init; }
    public string? Error { get; init; }
    public required long InputTokens { get; init; }
    public required long CachedTokens { get; init; }
    public required long OutputTokens { get; init; }
    public required bool UsageKnown { get; init; }
    public required decimal Usd { get; init; }
    public required double DurationMs { get; init; }
    public double? FirstTokenMs { get; init; }
    public required bool Streamed { get; init; }
    public required int Attempts { get; init; }
    public string? Client { get; init; }
    public string? ClientIP { get; init; }
    public IReadOnlyList<MessageViolation>? Violations { get; init; }
    public required long RequestBytes { get; init; }
    public required long ResponseBytes { get; init; }

    /// <summary>Only of one record, and for auditors; cut where it is longer than <c>Obot:Llm:AuditBodyBytes</c>.</summary>
    public string? RequestBody { get; init; }
    public string? ResponseBody { get; init; }
}

/// <summary>What <c>GET /api/token-usage</c> sums up.</summary>
/// <param name="GroupBy">Of <c>user</c>, <c>group</c>, <c>model</c>, <c>provider</c>, <c>key</c>, <c>day</c>; empty for one sum.</param>
public sealed record TokenUsageQuery(IReadOnlyList<string> GroupBy, string? UserId, string? GroupId, string? Model, DateOnly? From, DateOnly? To)
{
    public static IReadOnlyList<string> Dimensions { get; } = ["user", "group", "model", "provider", "key", "day"];
}

/// <summary>A sum; of the dimensions those that were asked for.</summary>
public sealed record TokenUsageRow
{
    public string? UserID { get; init; }

    /// <summary>By today's membership; a call of somebody in two groups counts in both.</summary>
    public string? GroupID { get; init; }
    public string? Model { get; init; }
    public string? ModelProvider { get; init; }
    public string? KeyID { get; init; }
    public DateOnly? Day { get; init; }
    public required long Calls { get; init; }
    public required long Errors { get; init; }
    public required long InputTokens { get; init; }
    public required long CachedTokens { get; init; }
    public required long OutputTokens { get; init; }
    public required decimal Usd { get; init; }
}

/// <summary>Port: records of calls of models, and their sums.</summary>
public interface ILlmAudit
{
    /// <summary>Newest first. Administrators and auditors see everything, others their own.</summary>
    Task<Hosting.Page<LlmAuditEntry>> List(Identity.Principal caller, LlmAuditQuery query, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>With bodies for auditors. Null when there is none, or none that the caller sees.</summary>
    Task<LlmAuditEntry?> Find(Identity.Principal caller, string id, CancellationToken cancellationToken);

    /// <summary>At most 10,000 rows, most expensive first. Administrators and auditors see everything, others their own.</summary>
    /// <exception cref="InvalidInputException">A dimension that does not exist.</exception>
    Task<IReadOnlyList<TokenUsageRow>> Usage(Identity.Principal caller, TokenUsageQuery query, CancellationToken cancellationToken);
}
