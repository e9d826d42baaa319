namespace Obot.Shim.Contracts.Boot;

/// <summary>
/// What a guard is told at its start: one JSON document on the first line of standard input (process backend) or in a mounted
/// file. In the process backend the rest of standard input is the lifetime pipe: its end is the order to stop.
/// </summary>
public sealed record GuardBoot
{
    /// <summary>Instance key: <c>serverId</c> or <c>serverId/userId</c>. Also the audience of every assertion.</summary>
    public required string Instance { get; init; }

    /// <summary>Generation of the deployment, from 1.</summary>
    public required long Generation { get; init; }

    /// <summary>Where to listen, <c>host:port</c>; port 0 takes a free one, which <see cref="ShimEvent.Address"/> reports.</summary>
    public required string Listen { get; init; }

    /// <summary>Control endpoints of the cluster (<c>wss://host:port/control</c>), any of which will do.</summary>
    public required IReadOnlyList<string> ControlUrls { get; init; }

    /// <summary>PEM of the cluster's certificate authority, the only one accepted on the control channel.</summary>
    public required string ClusterCaPem { get; init; }

    /// <summary>Signed instance + generation credential, presented on the control channel.</summary>
    public required string Credential { get; init; }

    /// <summary>JSON Web Key Set (RFC 7517) of the cluster's assertion keys; renewed over the control channel.</summary>
    public required string AssertionKeys { get; init; }

    /// <summary>32 bytes, base64: seals legacy session ids to their principal. The same for every generation of an instance.</summary>
    public required string SessionKey { get; init; }

    /// <summary>Are legacy sessions begun again when the server does not know them any more? Otherwise their clients get 404. Default true.</summary>
    public bool RecoversSessions { get; set; } = true;

    /// <summary>Who may call. Renewed over the control channel.</summary>
    public required GuardPolicy Policy { get; init; }

    /// <summary>How old <see cref="Policy"/> may already be: the starting silo's own staleness.</summary>
    public long StalenessMilliseconds { get; set; }

    /// <summary>
    /// When this document was written, where it lies in a file that a later start of the guard reads again: <see cref="Policy"/> is that much older
    /// then. Null: it was just written.
    /// </summary>
    public DateTimeOffset? WrittenAt { get; init; }

    /// <summary>A guard that has not heard for so long that its policy is up to date refuses every call. Default 5 minutes.</summary>
    public long MaxStalenessMilliseconds { get; set; } = 300_000;

    public required GuardUpstream Upstream { get; init; }

    /// <summary>
    /// What becomes of modern requests (revision 2026-07-28) to a server that knows older revisions only: true translates them, false refuses
    /// them with the versions that there are (-32022), null passes them on as they are.
    /// </summary>
    public bool? EraBridge { get; init; }

    public GuardLimits Limits { get; set; } = new();

    /// <summary>Where records of calls go. Null: none are kept.</summary>
    public GuardAudit? Audit { get; init; }
}

/// <summary>The MCP server as its guard sees it: a bridge's Unix socket, an HTTP URL, or a composite: exactly one of them. A URL with a secret is a bridge too.</summary>
public sealed record GuardUpstream
{
    /// <summary>Unix socket of the bridge.</summary>
    public string? Socket { get; init; }

    /// <summary>Secret of <see cref="Protocol.ObotHeaders.BridgeSecret"/>.</summary>
    public string? Secret { get; init; }

    /// <summary>Streamable HTTP endpoint of the MCP server.</summary>
    public string? Url { get; init; }

    /// <summary>No server of its own: what it is made of.</summary>
    public CompositeUpstream? Composite { get; init; }

    /// <summary>It was started for this generation, so that its death ends the generation. A bridge on a socket always was.</summary>
    public bool Hosted { get; set; }

    /// <summary>Of a hosted server: what answers 2xx while it is in health; without one any answer below 500 at <see cref="Url"/> will do.</summary>
    public string? HealthUrl { get; init; }

    /// <summary>The server may want headers or a third party's token: the guard asks the cluster for those of each caller.</summary>
    public bool Exchanges { get; set; }
}
