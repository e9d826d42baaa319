using System.Net;
using System.Net.Sockets;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>
/// Who reaches a server's pod, and what the pod reaches. One policy closes every pod of ours; that of a generation opens the guard's port to
/// the gateways, the way to their control listeners, and what the manifest lets the server have.
/// </summary>
internal sealed class ServerPolicies(KubernetesNames names, KubernetesOptions settings)
{
    private const string Everywhere = "0.0.0.0/0";

    /// <summary>Credentials of the machine are handed out there.</summary>
    private const string LinkLocal = "169.254.0.0/16";
    private static readonly string[] Private = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", LinkLocal];

    /// <summary>Lasts as long as the installation: a pod that is about to end is open at no moment.</summary>
    public V1NetworkPolicy Closed() => new()
    {
        ApiVersion = $"{V1NetworkPolicy.KubeGroup}/{V1NetworkPolicy.KubeApiVersion}",
        Kind = V1NetworkPolicy.KubeKind,
        Metadata = new() { Name = names.BasePolicy, Labels = names.Labels("policy") },
        Spec = new() { PodSelector = new() { MatchLabels = Selected(KubernetesNames.ServerRole) }, PolicyTypes = ["Ingress", "Egress"] },
    };

    /// <param name="controlUrls">Where the guard dials.</param>
    /// <param name="gatewayNamespace">Null when the gateways are no pods.</param>
    /// <exception cref="ServerStartException">It is not known where gateways are.</exception>
    public V1NetworkPolicy Of(ServerStart start, V1OwnerReference owner, IReadOnlyList<string> controlUrls, string? gatewayNamespace)
    {
        var gateways = Gateways(gatewayNamespace);
        return new()
        {
            ApiVersion = $"{V1NetworkPolicy.KubeGroup}/{V1NetworkPolicy.KubeApiVersion}",
            Kind = V1NetworkPolicy.KubeKind,
            Metadata = new()
            {
                Name = names.Generation(start.Instance, start.Generation),
                Labels = names.Labels(start.Instance, start.Generation),
                Annotations = KubernetesNames.Annotations(start.Instance),
                OwnerReferences = [owner],
            },
            Spec = new()
            {
                PodSelector = new() { MatchLabels = names.Labels(start.Instance, start.Generation) },
                PolicyTypes = ["Ingress", "Egress"],
                Ingress = [new() { FromProperty = gateways, Ports = [Port("TCP", PodManifest.GuardPort(start.Manifest))] }],
                Egress = [.. Egress(start.Manifest, controlUrls, gateways)],
            },
        };
    }

    /// <summary>Closes the pod of the enforcement probe.</summary>
    public V1NetworkPolicy Probe(string name, Dictionary<string, string> labels, V1OwnerReference owner) => new()
    {
        ApiVersion = $"{V1NetworkPolicy.KubeGroup}/{V1NetworkPolicy.KubeApiVersion}",
        Kind = V1NetworkPolicy.KubeKind,
        Metadata = new() { Name = name, Labels = labels, OwnerReferences = [owner] },
        Spec = new() { PodSelector = new() { MatchLabels = labels }, PolicyTypes = ["Ingress"] },
    };

    /// <summary>Does the manifest ask for something that only an enforced policy gives?</summary>
    public static bool Confines(ServerManifest manifest) => manifest.Runtime == Runtimes.Containerized || SealedOff(manifest) || Domains(manifest).Count > 0;

    private static bool SealedOff(ServerManifest manifest) => (manifest.NpxConfig?.DenyAllEgress ?? manifest.UvxConfig?.DenyAllEgress ?? manifest.ContainerizedConfig?.DenyAllEgress) is true;

    private static IReadOnlyList<string> Domains(ServerManifest manifest) =>
        manifest.NpxConfig?.EgressDomains ?? manifest.UvxConfig?.EgressDomains ?? manifest.ContainerizedConfig?.EgressDomains ?? [];

    private static V1NetworkPolicyPort Port(string protocol, int port) => new() { Protocol = protocol, Port = port };

    private static IEnumerable<V1NetworkPolicyEgressRule> Egress(ServerManifest manifest, IReadOnlyList<string> controlUrls, List<V1NetworkPolicyPeer> gateways)
    {
        var urls = controlUrls.Select(url => new Uri(url)).ToList();
        List<V1NetworkPolicyPeer> control =
        [
            .. gateways,
            .. urls.Where(url => IPAddress.TryParse(url.DnsSafeHost, out _)).Select(url => Block(url.DnsSafeHost + (url.HostNameType is UriHostNameType.IPv6 ? "/128" : "/32"))),
        ];
        yield return new() { To = control, Ports = [.. urls.Select(url => url.Port).Distinct().Select(port => Port("TCP", port))] };
        var sealedOff = SealedOff(manifest);
        if (!sealedOff || urls.Any(url => !IPAddress.TryParse(url.DnsSafeHost, out _)))
        {
            yield return new() { Ports = [Port("UDP", 53), Port("TCP", 53)] };
        }

        if (!sealedOff)
        {
            // a policy knows addresses and no names: with names it is the internet, and nothing that is near
            yield return new() { To = [Block(Everywhere, Domains(manifest).Count > 0 ? Private : [LinkLocal])] };
        }
    }

    private static V1NetworkPolicyPeer Block(string cidr, params string[] except) => new() { IpBlock = new() { Cidr = cidr, Except = except.Length > 0 ? except : null } };

    private Dictionary<string, string> Selected(string role) => new(StringComparer.Ordinal) { [KubernetesNames.ClusterLabel] = names.Cluster, [KubernetesNames.RoleLabel] = role };

    private List<V1NetworkPolicyPeer> Gateways(string? own)
    {
        var peers = new List<V1NetworkPolicyPeer>();
        foreach (var cidr in PodManifest.Split(settings.GatewayCidrs))
        {
            peers.Add(IPNetwork.TryParse(cidr, out var network) && network.BaseAddress.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6
                ? Block(cidr)
                : throw new ServerStartException($"Obot:Hosting:Kubernetes:GatewayCidrs has '{cidr}': it must be a range such as 10.1.0.0/24"));
        }

        if ((settings.GatewayNamespace is { Length: > 0 } named ? named : own) is { } space)
        {
            peers.Add(new()
            {
                NamespaceSelector = new() { MatchLabels = new Dictionary<string, string>(StringComparer.Ordinal) { ["kubernetes.io/metadata.name"] = space } },
                PodSelector = new()
                {
                    MatchLabels = settings.GatewayLabels.Count > 0 ? settings.GatewayLabels : new Dictionary<string, string>(StringComparer.Ordinal) { ["app.kubernetes.io/name"] = "obot" },
                },
            });
        }

        return peers.Count > 0
            ? peers
            : throw new ServerStartException("the network policies of servers have to name the gateways: outside of the cluster set Obot:Hosting:Kubernetes:GatewayCidrs to the addresses that they call from");
    }
}
