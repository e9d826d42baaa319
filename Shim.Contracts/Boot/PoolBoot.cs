namespace Obot.Shim.Contracts.Boot;

/// <summary>
/// What a pooled guard is told at its start, in the same way as <see cref="GuardBoot"/>. Each further line of standard input is a
/// <see cref="PoolOrder"/>; the end of it is the order to stop.
/// </summary>
public sealed record PoolBoot
{
    /// <summary>Where to listen, <c>host:port</c>; port 0 takes a free one, which <see cref="ShimEvent.Address"/> reports.</summary>
    public required string Listen { get; init; }

    /// <summary>Control endpoints of the cluster (<c>wss://host:port/control</c>), any of which will do.</summary>
    public required IReadOnlyList<string> ControlUrls { get; init; }

    /// <summary>PEM of the cluster's certificate authority, the only one accepted on the control channel.</summary>
    public required string ClusterCaPem { get; init; }

    /// <summary>Signed credential of the pool itself; each instance proves itself with its own beside it.</summary>
    public required string Credential { get; init; }

    /// <summary>Largest request body in bytes. Default 16 MiB.</summary>
    public long MaxRequestBodyBytes { get; set; } = 16 * 1024 * 1024;
}

/// <summary>One line for a pooled guard. It answers by a <see cref="ShimEvent"/> that names instance and generation.</summary>
public sealed record PoolOrder
{
    /// <summary>The instance that is to be served, from now on; an earlier generation of it takes no new calls. Null: it is to be served no more.</summary>
    public GuardBoot? Attach { get; init; }

    /// <summary>Instance whose generations up to <see cref="Generation"/> end, when <see cref="Attach"/> is null.</summary>
    public string? Detach { get; init; }

    public long Generation { get; init; }
}
