namespace Obot.Data.Tables;

/// <summary>Table <c>used_assertions</c>: what may be presented once only.</summary>
public sealed class UsedAssertionRow
{
    /// <summary>SHA-256 of issuer and <c>jti</c>.</summary>
    public required byte[] Hash { get; set; }
    public required DateTimeOffset ExpiresAt { get; set; }
}

/// <summary>Table <c>rate_windows</c>: fixed windows, counted over all silos.</summary>
public sealed class RateWindowRow
{
    public required string Key { get; set; }
    public required DateTimeOffset StartedAt { get; set; }
    public required int Count { get; set; }
}
