namespace Obot.Grains.Catalog;

/// <summary>Section <c>Obot:Catalog</c>: how sources are read.</summary>
public sealed class CatalogOptions
{
    /// <summary>Time between two synchronizations that nobody asked for. Default 1 h; 1 min at least.</summary>
    public TimeSpan SyncInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>What one source may take to be read. Default 2 min.</summary>
    public TimeSpan SourceTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>What a repository may need on disk while it is read, one revision deep. Default 256 MiB.</summary>
    public long MaxRepositoryBytes { get; set; } = 256 * 1024 * 1024;

    /// <summary>YAML files of one source. Default 20,000.</summary>
    public int MaxFiles { get; set; } = 20_000;

    /// <summary>One file. Default 1 MiB.</summary>
    public int MaxFileBytes { get; set; } = 1024 * 1024;

    /// <summary>Entries of one catalog. Default 20,000.</summary>
    public int MaxEntries { get; set; } = 20_000;

    /// <summary>
    /// Known hosts for ssh, in OpenSSH's form; others are refused. Default: none, and a host is trusted as it was first seen by the silo.
    /// </summary>
    public string? SshKnownHostsFile { get; set; }
}
