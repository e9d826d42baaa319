using k8s;
using Microsoft.Extensions.Options;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>The API server of this installation: from the silo's own pod, or by a kubeconfig.</summary>
internal sealed class KubernetesConnection(IOptions<HostingOptions> options) : IDisposable
{
    private const string OwnNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

    private readonly Lock gate = new();
    private k8s.Kubernetes? client;
    private KubernetesClientConfiguration? configuration;

    private KubernetesOptions Settings => options.Value.Kubernetes;

    /// <summary>
    /// May anything of ours be there? The backend is configured, or still is although servers go elsewhere now: whoever moves away leaves
    /// <c>Namespace</c> or <c>KubeConfig</c> set until the last server has moved.
    /// </summary>
    public bool IsConfigured => options.Value.Backend == BackendNames.Kubernetes || Settings.Namespace.Length > 0 || Settings.KubeConfig.Length > 0;

    public bool InCluster => Settings.KubeConfig.Length == 0 && KubernetesClientConfiguration.IsInCluster();

    /// <summary>Namespace of the silo's own pod; null outside of a cluster.</summary>
    public string? OwnNamespace => InCluster && File.Exists(OwnNamespaceFile) ? File.ReadAllText(OwnNamespaceFile).Trim() : null;

    public string Namespace => Settings.Namespace is { Length: > 0 } named ? named : OwnNamespace ?? Configuration.Namespace ?? "default";

    /// <summary>For <see cref="Deployment.Host"/>: where a generation runs.</summary>
    public string Host => $"{Configuration.Host} {Namespace}";

    /// <exception cref="ServerStartException">There is no configuration to connect with.</exception>
    public IKubernetes Client
    {
        get
        {
            lock (gate)
            {
                return client ??= new(Configuration);
            }
        }
    }

    public void Dispose() => client?.Dispose();

    private KubernetesClientConfiguration Configuration
    {
        get
        {
            lock (gate)
            {
                return configuration ??= Read();
            }
        }
    }

    private KubernetesClientConfiguration Read()
    {
        try
        {
            var read = InCluster
                ? KubernetesClientConfiguration.InClusterConfig()
                : KubernetesClientConfiguration.BuildConfigFromConfigFile(
                    Settings.KubeConfig is { Length: > 0 } file ? file : null, Settings.Context is { Length: > 0 } context ? context : null);
            read.HttpClientTimeout = Settings.RequestTimeout;
            return read;
        }
        catch (Exception e) when (e is k8s.Exceptions.KubeConfigException or IOException or FormatException or YamlDotNet.Core.YamlException)
        {
            throw new ServerStartException($"Kubernetes cannot be reached: {e.Message} (Obot:Hosting:Kubernetes:KubeConfig, or KUBECONFIG)");
        }
    }
}
