namespace Obot.Shim.Contracts.Boot;

/// <summary>How a guard keeps records of calls until the cluster has them.</summary>
public sealed record GuardAudit
{
    /// <summary>Folder of this instance's journals, outside of what its server can reach; it outlives the guard. Made where it is missing.</summary>
    public required string Folder { get; init; }

    /// <summary>32 bytes, base64: encrypts the journals on disk. The same for every generation of an instance, and known to the silos that bring home what a guard left.</summary>
    public required string Key { get; init; }

    /// <summary>Bytes of each body that are kept. Default 65536.</summary>
    public int MaxBodyBytes { get; set; } = 64 * 1024;

    /// <summary>Bytes of records that may wait. Default 1 GiB.</summary>
    public long MaxBacklogBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>When that much waits: true drops records and counts them, false refuses calls. Default false.</summary>
    public bool DropWhenFull { get; set; }

    /// <summary>How long a guard that is told to stop waits for the cluster to take the last records. Default 1,500.</summary>
    public int DrainMilliseconds { get; set; } = 1_500;
}
