namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>Section <c>Obot:Hosting:Kubernetes</c>.</summary>
public sealed class KubernetesOptions
{
    /// <summary>A kubeconfig file. Default: the service account of the silo's own pod, else <c>KUBECONFIG</c>, else <c>~/.kube/config</c>.</summary>
    public string KubeConfig { get; set; } = "";

    /// <summary>Context of the kubeconfig. Default: its current one.</summary>
    public string Context { get; set; } = "";

    /// <summary>
    /// Namespace of the servers; it is there already. Default: the silo's own, or that of the context. Better one of their own: whoever may read
    /// Secrets in it sees what servers are configured with.
    /// </summary>
    public string Namespace { get; set; } = "";

    /// <summary>Image of the guard (<c>deploy/shim.Dockerfile</c>). Required.</summary>
    public string ShimImage { get; set; } = "";

    /// <summary>Image in which <c>npx</c> and <c>uvx</c> servers run (<c>deploy/runtime.Dockerfile</c>). Required for them.</summary>
    public string RuntimeImage { get; set; } = "";

    /// <summary>
    /// How gateways reach guards: <c>service</c>, the cluster address of each server's Service; <c>pod</c>, the pod's own, where there is no
    /// proxy for Services on the gateway's machine. Default <c>service</c>.
    /// </summary>
    public string GuardAddress { get; set; } = GuardAddresses.Service;

    /// <summary>Namespace of the gateways' pods, for network policies. Default: the silo's own.</summary>
    public string GatewayNamespace { get; set; } = "";

    /// <summary>Labels of the gateways' pods, for network policies. Default <c>app.kubernetes.io/name: obot</c>.</summary>
    public IDictionary<string, string> GatewayLabels { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Addresses of gateways outside of the cluster (<c>10.1.0.0/24</c>), separated by commas; required when the silos run outside.</summary>
    public string GatewayCidrs { get; set; } = "";

    /// <summary>
    /// Runs containers of others although nothing shows that the cluster enforces network policies: they may then reach whatever is near them.
    /// Default false.
    /// </summary>
    public bool AllowWithoutNetworkPolicy { get; set; }

    /// <summary>
    /// User and group, as a number, of servers with an image of their own. Default 10001; <c>image</c> leaves it to the image, which has to name a
    /// number that is not 0.
    /// </summary>
    public string RunAs { get; set; } = "10001";

    /// <summary>Memory of a server whose manifest sets no limit. Default 512Mi.</summary>
    public string DefaultMemory { get; set; } = "512Mi";

    /// <summary>Cores of a server whose manifest sets no limit. Default 1.</summary>
    public string DefaultCpu { get; set; } = "1";

    /// <summary>Memory that is set aside for a server whose manifest requests none. Default 64Mi.</summary>
    public string DefaultMemoryRequest { get; set; } = "64Mi";

    /// <summary>Cores that are set aside for a server whose manifest requests none. Default 10m.</summary>
    public string DefaultCpuRequest { get; set; } = "10m";

    /// <summary>Size of a server's <c>/tmp</c> and of its home, which are memory and count as such. Default 128Mi.</summary>
    public string TemporarySize { get; set; } = "128Mi";

    /// <summary>Disk for the package of an <c>npx</c> or <c>uvx</c> server; a pod that takes more is evicted. Default 2Gi.</summary>
    public string PackagesSize { get; set; } = "2Gi";

    /// <summary>Names of Secrets with credentials of registries, separated by commas. Default none.</summary>
    public string ImagePullSecrets { get; set; } = "";

    /// <summary>Runtime class of the pods (<c>gvisor</c>, <c>kata</c>). Default: the cluster's.</summary>
    public string RuntimeClass { get; set; } = "";

    /// <summary>Priority class of the pods. Default: the cluster's.</summary>
    public string PriorityClass { get; set; } = "";

    /// <summary>Service account of the pods; its token is not mounted. Default: the namespace's <c>default</c>.</summary>
    public string ServiceAccount { get; set; } = "";

    /// <summary>Labels of the nodes that servers may run on. Default: any.</summary>
    public IDictionary<string, string> NodeSelector { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary><c>affinity</c> of the pods, as JSON in Kubernetes' words. Default none.</summary>
    public string Affinity { get; set; } = "";

    /// <summary><c>tolerations</c> of the pods, a JSON array in Kubernetes' words. Default none.</summary>
    public string Tolerations { get; set; } = "";

    /// <summary>Time between two searches for what no grain owns. Default 5 minutes.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The watch lists everything anew after so long. Default 5 minutes.</summary>
    public TimeSpan ResyncInterval { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Longest wait for one answer of the API server. Default 30 s.</summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>Values of <see cref="KubernetesOptions.GuardAddress"/>.</summary>
internal static class GuardAddresses
{
    public const string Service = "service";
    public const string Pod = "pod";
}
