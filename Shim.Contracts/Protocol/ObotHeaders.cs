namespace Obot.Shim.Contracts.Protocol;

/// <summary>
/// The HTTP headers that gateway, guard and bridge say to each other. All of them are removed from what a client or an MCP
/// server sends before one of ours is set.
/// </summary>
public static class ObotHeaders
{
    /// <summary>Gateway → guard: the cluster-signed assertion (a compact JWT).</summary>
    public const string Assertion = "Obot-Assertion";

    /// <summary>Gateway → guard: id of the call and of its record (<see cref="Audit.CallId"/>).</summary>
    public const string CallId = "Obot-Call-Id";

    /// <summary>Gateway → guard: the address that the client's connection came from, for the audit record.</summary>
    public const string ClientIp = "Obot-Client-Ip";

    /// <summary>Gateway → guard: the instance that is called. A pooled guard finds it by this; the assertion proves it.</summary>
    public const string Instance = "Obot-Instance";

    /// <summary>Guard → bridge: the per-start secret that proves the caller is the guard of this generation.</summary>
    public const string BridgeSecret = "Obot-Bridge-Secret";

    /// <summary>Guard → bridge: an opaque, stable key of the calling principal. Children are never shared between two of them.</summary>
    public const string Principal = "Obot-Principal";

    /// <summary>
    /// Guard → gateway, on a 503 that carries no answer of the MCP server: the request did not reach the server and may be sent
    /// to the next generation. Values: <see cref="Retry.Draining"/>, <see cref="Retry.UpstreamGone"/>, <see cref="Retry.Stale"/>, <see cref="Retry.Detached"/>.
    /// </summary>
    public const string RetryReason = "Obot-Retry";

    /// <summary>Every header of ours starts with this.</summary>
    public const string Prefix = "Obot-";

    /// <summary>Values of <see cref="RetryReason"/>.</summary>
    public static class Retry
    {
        public const string Draining = "draining";
        /// <summary>A pooled guard that does not serve this instance.</summary>
        public const string Detached = "detached";
        public const string UpstreamGone = "upstream-gone";

        /// <summary>The guard has lost touch with the cluster and serves nobody; there may be a newer generation, or none is needed.</summary>
        public const string Stale = "stale";
    }
}
