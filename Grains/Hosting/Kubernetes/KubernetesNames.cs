using System.Globalization;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>How things of this cluster are named and labelled in a namespace. What lacks the cluster's label is not ours, whatever its name.</summary>
internal sealed class KubernetesNames(OutsideNames names)
{
    public const string ClusterLabel = "obot.cluster";

    /// <summary>As a label the outside name of the instance; as an annotation its id, which may hold letters that labels may not.</summary>
    public const string InstanceLabel = "obot.instance";
    public const string GenerationLabel = "obot.generation";
    public const string RoleLabel = "obot.role";
    public const string ManagedByLabel = "app.kubernetes.io/managed-by";
    public const string FieldManager = "obot";

    public const string ServerRole = "server";
    public const string ProbeRole = "probe";

    /// <summary>Containers of a pod.</summary>
    public const string Server = "server";
    public const string Guard = "guard";
    public const string Installer = "install";

    public string Cluster => names.Cluster;

    public string Instance(McpInstanceId instance) => names.Instance(instance);

    /// <summary>Of the Deployment, the Service and the NetworkPolicy of a generation.</summary>
    public string Generation(McpInstanceId instance, long generation) => names.Generation(instance, generation);

    public string ServerSecret(McpInstanceId instance, long generation) => Generation(instance, generation) + "-server";

    public string GuardSecret(McpInstanceId instance, long generation) => Generation(instance, generation) + "-guard";

    /// <summary>The policy that closes every server's pod; each generation's own opens what it needs.</summary>
    public string BasePolicy => $"obot-closed-{Cluster}";

    public Dictionary<string, string> Labels(McpInstanceId instance, long generation) => new(StringComparer.Ordinal)
    {
        [ManagedByLabel] = FieldManager,
        [ClusterLabel] = Cluster,
        [InstanceLabel] = Instance(instance),
        [GenerationLabel] = generation.ToString(CultureInfo.InvariantCulture),
        [RoleLabel] = ServerRole,
    };

    /// <summary>Labels of what belongs to no generation.</summary>
    public Dictionary<string, string> Labels(string role) => new(StringComparer.Ordinal) { [ManagedByLabel] = FieldManager, [ClusterLabel] = Cluster, [RoleLabel] = role };

    public static Dictionary<string, string> Annotations(McpInstanceId instance) => new(StringComparer.Ordinal) { [InstanceLabel] = instance.ToString() };

    /// <summary>A label selector.</summary>
    public string Ours(McpInstanceId? instance = null) =>
        instance is { } one ? $"{ClusterLabel}={Cluster},{InstanceLabel}={Instance(one)}" : $"{ClusterLabel}={Cluster}";

    public bool IsOurs(IDictionary<string, string>? labels) => labels is not null && labels.TryGetValue(ClusterLabel, out var owner) && owner == Cluster;

    /// <summary>Instance and generation; null when it is none of ours or belongs to no generation.</summary>
    public (McpInstanceId Instance, long Generation)? Read(k8s.Models.V1ObjectMeta? metadata) =>
        IsOurs(metadata?.Labels)
        && metadata!.Annotations is { } annotations && annotations.TryGetValue(InstanceLabel, out var key) && McpInstanceId.TryParse(key, out var instance)
        && metadata.Labels.TryGetValue(InstanceLabel, out var name) && name == Instance(instance)
        && metadata.Labels.TryGetValue(GenerationLabel, out var number) && long.TryParse(number, CultureInfo.InvariantCulture, out var generation)
            ? (instance, generation)
            : null;
}
