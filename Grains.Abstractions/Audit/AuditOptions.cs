namespace Obot.Grains.Abstractions.Audit;

/// <summary>Section <c>Obot:Audit</c>.</summary>
public sealed class AuditOptions
{
    public const string Section = "Obot:Audit";
    public const int MostBodyBytes = 1024 * 1024;

    /// <summary>Days that records of calls and their statistics are kept, today not counted. Default 90, 1 … 3650.</summary>
    public int RetentionDays { get; set; } = 90;

    /// <summary>Bytes of each request's and each answer's body that are kept; the true length is kept in any case. Default 65536, 0 … 1048576.</summary>
    public int MaxBodyBytes { get; set; } = 64 * 1024;

    /// <summary>Bytes of records that one writer (a guard, a silo) keeps on disk while the database is away. Default 1 GiB, at least 1 MiB.</summary>
    public long MaxBacklogBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>What happens when that much waits: <c>refuse</c> calls (503), or <c>drop</c> their records and count them. Default <c>refuse</c>.</summary>
    public AuditWhenFull WhenFull { get; set; } = AuditWhenFull.Refuse;

    /// <summary>Records of refusals before anybody was authenticated, a second and silo; others are counted in the next one. Default 20, at least 1.</summary>
    public int AnonymousRefusalsPerSecond { get; set; } = 20;
}

public enum AuditWhenFull
{
    Refuse,
    Drop,
}
