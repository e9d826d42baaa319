namespace Obot.Shim.Contracts.Boot;

/// <summary>What one guard lets through. Counts and rates of 0 are off.</summary>
public sealed record GuardLimits
{
    /// <summary>Largest request body in bytes. Default 16 MiB.</summary>
    public long MaxRequestBodyBytes { get; set; } = 16 * 1024 * 1024;

    /// <summary>Largest answer that is read to take tools out of it, in bytes. Default 8 MiB.</summary>
    public int MaxListBytes { get; set; } = 8 * 1024 * 1024;

    /// <summary>Longest silence of the server within one call, in seconds. Default 3600.</summary>
    public int CallTimeoutSeconds { get; set; } = 3600;

    /// <summary>Requests of one user, a second; as many at once after a pause. Default 0.</summary>
    public int RequestsPerSecondPerUser { get; set; }

    /// <summary>Requests of one user that are in hand at a time. Default 0.</summary>
    public int ConcurrentCallsPerUser { get; set; }

    /// <summary>Requests of all users, a second; as many at once after a pause. Default 0.</summary>
    public int RequestsPerSecond { get; set; }

    /// <summary>Requests of all users that are in hand at a time. Default 0.</summary>
    public int ConcurrentCalls { get; set; }
}
