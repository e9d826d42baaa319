using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obot.Grains.Abstractions.Hosting;

/// <summary>A virtual server over several others.</summary>
public sealed record CompositeConfig
{
    /// <summary>1 … 50. Their order decides who keeps a name that two of them have.</summary>
    public IReadOnlyList<ComponentServer> ComponentServers { get; init; } = [];

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}

/// <summary>One component: exactly one of <see cref="CatalogEntryID"/> and <see cref="McpServerID"/>.</summary>
public sealed record ComponentServer
{
    public string? CatalogEntryID { get; init; }
    public string? McpServerID { get; init; }

    /// <summary>What is different of some tools; tools without an entry are taken as they are.</summary>
    public IReadOnlyList<ToolOverride> ToolOverrides { get; init; } = [];

    /// <summary>Put before the names of tools and prompts, as it is. Default none.</summary>
    public string? ToolPrefix { get; init; }

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }

    /// <summary>As <c>/mcp-connect/{id}</c> takes it.</summary>
    [JsonIgnore]
    public string Id => McpServerID ?? CatalogEntryID ?? "";
}

public sealed record ToolOverride
{
    /// <summary>As the component calls it.</summary>
    public string Name { get; init; } = "";
    public string? OverrideName { get; init; }
    public string? OverrideDescription { get; init; }

    /// <summary>False: neither listed nor callable. Default true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Members that this version does not know; kept as they came.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Unknown { get; init; }
}
