using k8s;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>What stands around the pod of one generation. Nothing here does anything.</summary>
internal sealed class ServerObjects(KubernetesNames names)
{
    /// <summary>The guard's port, and no other of the pod.</summary>
    public V1Service Service(ServerStart start, V1OwnerReference owner)
    {
        var port = PodManifest.GuardPort(start.Manifest);
        return new()
        {
            ApiVersion = V1Service.KubeApiVersion,
            Kind = V1Service.KubeKind,
            Metadata = Metadata(start, owner, names.Generation(start.Instance, start.Generation)),
            Spec = new()
            {
                Selector = names.Labels(start.Instance, start.Generation),
                // who may call is the grain's to say, which routes to it; a server that is just waking has to be reachable
                PublishNotReadyAddresses = true,
                Ports = [new V1ServicePort { Port = port, Name = "guard", Protocol = "TCP", TargetPort = port }],
            },
        };
    }

    /// <summary>The server's side: its configuration, and nothing of the cluster.</summary>
    public V1Secret ServerSecret(ServerStart start, V1OwnerReference owner, IEnumerable<KeyValuePair<string, byte[]>> content) =>
        Secret(start, owner, names.ServerSecret(start.Instance, start.Generation), content);

    /// <summary>The guard's side: its boot document, and nothing of the server's configuration.</summary>
    public V1Secret GuardSecret(ServerStart start, V1OwnerReference owner, byte[] boot) =>
        Secret(start, owner, names.GuardSecret(start.Instance, start.Generation), [KeyValuePair.Create(PodManifest.BootFile, boot)]);

    private static V1ObjectMeta Metadata(ServerStart start, V1OwnerReference owner, string name, Dictionary<string, string> labels) =>
        new() { Name = name, Labels = labels, Annotations = KubernetesNames.Annotations(start.Instance), OwnerReferences = [owner] };

    private V1ObjectMeta Metadata(ServerStart start, V1OwnerReference owner, string name) => Metadata(start, owner, name, names.Labels(start.Instance, start.Generation));

    private V1Secret Secret(ServerStart start, V1OwnerReference owner, string name, IEnumerable<KeyValuePair<string, byte[]>> content) => new()
    {
        ApiVersion = V1Secret.KubeApiVersion,
        Kind = V1Secret.KubeKind,
        Type = "Opaque",
        Immutable = true,
        Metadata = Metadata(start, owner, name),
        Data = content.ToDictionary(StringComparer.Ordinal),
    };
}
