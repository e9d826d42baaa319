namespace Obot.Grains.Abstractions.Policies;

/// <summary>
/// Section <c>Obot:Limits</c>. Requests are JSON-RPC requests; a user who makes too many is answered 429 with <c>Retry-After</c>. 0 is off. A
/// rate allows as many at once after a pause as it allows a second.
/// </summary>
public sealed class LimitOptions
{
    /// <summary>POST requests of one user at <c>/mcp-connect</c> a second, over all servers and all silos. Default 0.</summary>
    public int RequestsPerSecondPerUser { get; set; }

    /// <summary>Requests of one user to one server instance, a second. Default 0.</summary>
    public int RequestsPerSecondPerUserAndInstance { get; set; }

    /// <summary>Requests of one user to one server instance that are in hand at a time. Default 512.</summary>
    public int ConcurrentCallsPerUserAndInstance { get; set; } = 512;

    /// <summary>Requests of all users to one server instance, a second. Default 0.</summary>
    public int RequestsPerSecondPerInstance { get; set; }

    /// <summary>Requests of all users to one server instance that are in hand at a time. Default 0.</summary>
    public int ConcurrentCallsPerInstance { get; set; }
}
