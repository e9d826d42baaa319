namespace Obot.Shim.Contracts.Boot;

/// <summary>
/// What a bridge is told at its start, in the same way as <see cref="GuardBoot"/>. It stands on the server's side: it knows the
/// server's configuration and nothing of the cluster.
/// </summary>
public sealed record BridgeBoot
{
    /// <summary>Unix socket to listen on; null where <see cref="Listen"/> is set. The bridge removes it when it stops.</summary>
    public string? Socket { get; init; }

    /// <summary><c>host:port</c> to listen on, for a guard in another container of the same network.</summary>
    public string? Listen { get; init; }

    /// <summary>Whoever does not present it in <see cref="Protocol.ObotHeaders.BridgeSecret"/> is refused with 403.</summary>
    public required string Secret { get; init; }

    /// <summary>How the stdio server is run.</summary>
    public required BridgeCommand Command { get; init; }

    /// <summary>Environment of the server process, on top of <c>PATH</c>, <c>HOME</c>, <c>LANG</c>, <c>TZ</c> and the proxy and CA variables.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Folder of this instance: working directory and <c>HOME</c> of the server.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Null: everything runs as the bridge's own user.</summary>
    public BridgeAccounts? Accounts { get; init; }

    /// <summary>Content of files that the server finds as <c>{WorkingDirectory}/.files/{name}</c>, for its user only.</summary>
    public IReadOnlyDictionary<string, string> Files { get; set; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Fetch the package, or a newer one where the last is old, and end: code 0. Nothing is run.</summary>
    public bool PrepareOnly { get; set; }

    public BridgeLimits Limits { get; set; } = new();
}

/// <summary>User ids, which are group ids too and need no entry in any user database. The bridge itself is root then.</summary>
public sealed record BridgeAccounts
{
    /// <summary>util-linux: becomes another user before it runs a program.</summary>
    public const string Switcher = "setpriv";

    /// <summary>Runs the server.</summary>
    public required uint Server { get; init; }

    /// <summary>Installs its package, whose scripts run then.</summary>
    public required uint Packages { get; init; }
}

/// <summary>A command line of the manifest.</summary>
public sealed record BridgeCommand
{
    /// <summary><c>npx</c> or <c>uvx</c>.</summary>
    public required string Runtime { get; init; }

    /// <summary>Package as the runtime takes it, with an optional version (<c>name@1.2.3</c>).</summary>
    public required string Package { get; init; }

    /// <summary><c>uvx</c> only: the command inside the package where it is not the package's own name.</summary>
    public string? Command { get; init; }

    public IReadOnlyList<string> Arguments { get; set; } = [];

    /// <summary>Folder where packages are kept between starts, shared by the instances of one data folder.</summary>
    public required string PackageCache { get; init; }

    /// <summary><see cref="PackageCache"/> cannot be written: somebody else fetches and renews what is in it.</summary>
    public bool PackagesReadOnly { get; set; }
}

public sealed record BridgeLimits
{
    /// <summary>From the start of the bridge to the server's answer to the first request, package installation included. Default 60 s.</summary>
    public int StartupTimeoutSeconds { get; set; } = 60;

    /// <summary>Children of one principal, sessions included. Default 8.</summary>
    public int MaxChildrenPerPrincipal { get; set; } = 8;

    /// <summary>Children altogether. Default 64.</summary>
    public int MaxChildren { get; set; } = 64;

    /// <summary>A legacy session or a principal's child without a call for so long is ended. Default 15 minutes.</summary>
    public int ChildIdleSeconds { get; set; } = 900;

    /// <summary>Longest message (one line) that the server may write, in bytes. Default 64 MiB.</summary>
    public int MaxMessageBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>Largest request body in bytes. Default 16 MiB.</summary>
    public long MaxRequestBodyBytes { get; set; } = 16 * 1024 * 1024;
}
