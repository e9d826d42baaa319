namespace Obot.Grains.Abstractions.Audit;

/// <summary>Port: records what no guard sees: refusals of the gateway, and the reading of bodies.</summary>
public interface IAuditEvents
{
    /// <summary>
    /// Returns once the event is in this silo's write-ahead file; it is in the database a moment later, also when this silo dies. Refusals without a
    /// user are recorded up to <see cref="AuditOptions.AnonymousRefusalsPerSecond"/>, the others as one number. Never throws: what cannot be written is
    /// logged.
    /// </summary>
    /// <returns>False when it could not be written.</returns>
    bool Record(AuditEvent happened);
}

/// <summary>One event. Fields as in <see cref="AuditEntry"/>.</summary>
public sealed record AuditEvent
{
    /// <summary>UUIDv7 of the call where it has one already; a guard may have recorded it, too, and then it counts once.</summary>
    public Guid? Id { get; init; }
    public required string Method { get; init; }
    public required int Status { get; init; }
    public TimeSpan Duration { get; init; }
    public string? UserId { get; init; }
    public string? CredentialId { get; init; }
    public string? ClientName { get; init; }
    public string? ClientVersion { get; init; }
    public string? ServerId { get; init; }
    public string? Identifier { get; init; }
    public string? Error { get; init; }
    public string? SessionId { get; init; }
    public string? TraceId { get; init; }
    public string? ClientIp { get; init; }
    public long RequestBytes { get; init; }
}
