using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary>
/// How a server is shown and run: the field's catalog format, the same names in YAML and JSON. Unknown members are kept in
/// <see cref="Unknown"/> and answered as warnings.
/// </summary>
public sealed record ServerManifest
{
    public string Name { get; init; } = "";
    public string? ShortDescription { get; init; }

    /// <summary>Markdown.</summary>
    public string? Description { get; init; }
    public string? Icon { get; init; }
    public string? RepoURL { get; init; }
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
    public string? EntryKey { get; init; }

    /// <summary><c>singleUser</c> (default): one instance per user; <c>multiUser</c>: one shared deployment.</summary>
    public string ServerUserType { get; init; } = ServerUserTypes.SingleUser;

    /// <summary><c>npx</c> · <c>uvx</c> · <c>containerized</c> · <c>remote</c> · <c>composite</c>.</summary>
    public string Runtime { get; init; } = "";
    public PackageConfig? NpxConfig { get; init; }
    public PackageConfig? UvxConfig { get; init; }
    public ContainerizedConfig? ContainerizedConfig { get; init; }
    public RemoteConfig? RemoteConfig { get; init; }
    public CompositeConfig? CompositeConfig { get; init; }
    public MultiUserConfig? MultiUserConfig { get; init; }

    /// <summary>
    /// <c>transparent</c> (default): legacy sessions go on under the same id when the server was restarted; <c>expire</c>: their clients are told
    /// that they are gone, for servers that keep something in them.
    /// </summary>
    public string? SessionRecovery { get; init; }
    public IReadOnlyList<ManifestValue> Env { get; init; } = [];
    public IReadOnlyList<ManifestValue> Headers { get; init; } = [];
    public ServerResources? Resources { get; init; }

    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>
    /// Single-user, and hosted or at an address that each user gives: other servers without a process of their own are shared.
    /// </summary>
    [JsonIgnore]
    public bool IsPerUser => ServerUserType == ServerUserTypes.SingleUser && (!HasNoProcess || RemoteConfig is { UrlTemplate: not null } or { Hostname: not null });

    /// <summary>Remote and composite servers run nothing here; a pooled guard serves them.</summary>
    [JsonIgnore]
    public bool HasNoProcess => Runtime is Runtimes.Remote or Runtimes.Composite;

    /// <summary>Seconds; default 60, at most 600.</summary>
    [JsonIgnore]
    public int StartupTimeoutSeconds => (Runtime switch
    {
        Runtimes.Npx => NpxConfig?.StartupTimeoutSeconds,
        Runtimes.Uvx => UvxConfig?.StartupTimeoutSeconds,
        Runtimes.Containerized => ContainerizedConfig?.StartupTimeoutSeconds,
        _ => null,
    }) ?? 60;
}

public static class ServerUserTypes
{
    public const string SingleUser = "singleUser";
    public const string MultiUser = "multiUser";
}

public static class SessionRecoveries
{
    public const string Transparent = "transparent";
    public const string Expire = "expire";
}

public static class Runtimes
{
    public const string Npx = "npx";
    public const string Uvx = "uvx";
    public const string Containerized = "containerized";
    public const string Remote = "remote";
    public const string Composite = "composite";
}

/// <summary><c>npxConfig</c> and <c>uvxConfig</c>.</summary>
public sealed record PackageConfig
{
    public string Package { get; init; } = "";

    /// <summary><c>uvx</c> only.</summary>
    public string? Command { get; init; }
    public IReadOnlyList<string> Args { get; init; } = [];
    public int? StartupTimeoutSeconds { get; init; }
    public IReadOnlyList<string>? EgressDomains { get; init; }
    public bool? DenyAllEgress { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}

public sealed record ContainerizedConfig
{
    public string Image { get; init; } = "";
    public string? Command { get; init; }
    public IReadOnlyList<string> Args { get; init; } = [];
    public int? Port { get; init; }
    public string? Path { get; init; }
    public string? HealthzPath { get; init; }
    public int? StartupTimeoutSeconds { get; init; }
    public IReadOnlyList<string>? EgressDomains { get; init; }
    public bool? DenyAllEgress { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}

public sealed record RemoteConfig
{
    public string? FixedURL { get; init; }
    public string? UrlTemplate { get; init; }
    public string? Hostname { get; init; }
    public IReadOnlyList<ManifestValue> Headers { get; init; } = [];
    public bool? StaticOAuthRequired { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>What each user of a shared server supplies for their own calls.</summary>
public sealed record MultiUserConfig
{
    public IReadOnlyList<ManifestValue> UserDefinedHeaders { get; init; } = [];

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>One entry of <c>env[]</c> or <c>headers[]</c>.</summary>
public sealed record ManifestValue
{
    public string Key { get; init; } = "";
    public string? Name { get; init; }
    public string? Description { get; init; }
    public bool Required { get; init; }
    public bool Sensitive { get; init; }

    /// <summary>Static value; null when the user has to supply one.</summary>
    public string? Value { get; init; }

    /// <summary>Put before the value, e.g. <c>Bearer </c>.</summary>
    public string? Prefix { get; init; }
    public IReadOnlyList<string>? Options { get; init; }

    /// <summary>The value is written to a file and the variable holds its path.</summary>
    public bool? File { get; init; }
    public bool? DynamicFile { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}
