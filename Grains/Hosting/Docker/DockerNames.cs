using System.Globalization;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>How things of this cluster are named and labelled on an Engine. What lacks the cluster's label is not ours, whatever its name.</summary>
internal sealed class DockerNames(OutsideNames names, SiloHosts silos)
{
    public const string ClusterLabel = "obot.cluster";
    public const string InstanceLabel = "obot.instance";
    public const string GenerationLabel = "obot.generation";
    public const string RoleLabel = "obot.role";
    public const string SiloLabel = "obot.silo";

    public const string Server = "server";
    public const string Guard = "guard";
    public const string Network = "network";

    /// <summary>Fetches a package into its volume and ends.</summary>
    public const string Installer = "installer";
    public const string Files = "files";
    public const string Packages = "packages";

    /// <summary>The guard's write-ahead file of audit records; outlives generations.</summary>
    public const string WriteAhead = "write-ahead";

    public string Cluster => names.Cluster;

    public string Instance(McpInstanceId instance) => names.Instance(instance);

    public string Generation(McpInstanceId instance, long generation) => names.Generation(instance, generation);

    public string Container(McpInstanceId instance, long generation, string role) => $"{Generation(instance, generation)}-{role}";

    /// <summary>Volume of a package and of npm's configuration towards it: whoever may not fetch a package does not find it either.</summary>
    public string PackageVolume(string package, IEnumerable<KeyValuePair<string, string>> configuration) =>
        $"obot-packages-{OutsideNames.Hash($"{Cluster}\n{package}\n{string.Join('\n', configuration.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}"))}", 20)}";

    public string WriteAheadVolume(McpInstanceId instance) => $"{Instance(instance)}-{WriteAhead}";

    public Dictionary<string, string> Labels(McpInstanceId instance, long generation, string role) => new(StringComparer.Ordinal)
    {
        [ClusterLabel] = Cluster,
        [InstanceLabel] = instance.ToString(),
        [GenerationLabel] = generation.ToString(CultureInfo.InvariantCulture),
        [RoleLabel] = role,
        [SiloLabel] = silos.Own,
    };

    /// <summary>Labels of what belongs to no generation.</summary>
    public Dictionary<string, string> Labels(string role) => new(StringComparer.Ordinal) { [ClusterLabel] = Cluster, [RoleLabel] = role };

    /// <summary>A filter of the Engine's lists.</summary>
    public Dictionary<string, IDictionary<string, bool>> Ours(McpInstanceId? instance = null) => new(StringComparer.Ordinal)
    {
        ["label"] = instance is null
            ? new Dictionary<string, bool>(StringComparer.Ordinal) { [$"{ClusterLabel}={Cluster}"] = true }
            : new Dictionary<string, bool>(StringComparer.Ordinal) { [$"{ClusterLabel}={Cluster}"] = true, [$"{InstanceLabel}={instance}"] = true },
    };

    /// <summary>Instance and generation of something labelled; null when it is none of ours or belongs to no generation.</summary>
    public (McpInstanceId Instance, long Generation, string Role)? Read(IDictionary<string, string>? labels) =>
        labels is not null
        && labels.TryGetValue(ClusterLabel, out var owner) && owner == Cluster
        && labels.TryGetValue(InstanceLabel, out var key) && McpInstanceId.TryParse(key, out var instance)
        && labels.TryGetValue(GenerationLabel, out var number) && long.TryParse(number, CultureInfo.InvariantCulture, out var generation)
            ? (instance, generation, labels.TryGetValue(RoleLabel, out var role) ? role : "")
            : null;
}
