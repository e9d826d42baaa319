using System.Globalization;
using k8s;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Docker;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>The Deployment of one generation: a pod with the server, its guard, and for packages the run that fetches them. Nothing here does anything.</summary>
internal sealed class PodManifest(KubernetesNames names, KubernetesOptions settings)
{
    /// <summary>Where boot documents are mounted, each container's own.</summary>
    public const string BootFolder = "/run/obot/boot";
    public const string BootFile = "boot.json";
    public const string FilesFolder = "/run/obot/files";

    /// <summary>Keys of the server's Secret.</summary>
    public const string BridgeKey = "bridge";
    public const string InstallerKey = "installer";
    public const string EnvironmentPrefix = "env.";
    public const string FilePrefix = "file.";

    /// <summary>Of everything of ours in a pod.</summary>
    private const long OwnUser = ShimImages.User;

    /// <summary>Time to end the calls in hand and to ship the last audit records.</summary>
    private const long GraceSeconds = 30;

    /// <summary>0440.</summary>
    private const int OwnerAndGroupRead = 288;

    /// <summary>The bridge listens on the pod's own loopback.</summary>
    public const int BridgePort = 8081;

    /// <summary>A pod is one network: the guard keeps off the port of its server.</summary>
    public static int GuardPort(ServerManifest manifest) => manifest.ContainerizedConfig is { } config && (config.Port ?? ContainerRequests.DefaultPort) == 8099 ? 8098 : 8099;

    /// <param name="files">Names of the values that the server finds in files.</param>
    /// <param name="environment">Names of the variables of a server in an image of its own.</param>
    /// <param name="replicas">0 until everything is there that the pod needs.</param>
    public V1Deployment Deployment(ServerStart start, IEnumerable<string> environment, IEnumerable<string> files, int replicas)
    {
        var labels = names.Labels(start.Instance, start.Generation);
        var annotations = KubernetesNames.Annotations(start.Instance);
        return new()
        {
            ApiVersion = $"{V1Deployment.KubeGroup}/{V1Deployment.KubeApiVersion}",
            Kind = V1Deployment.KubeKind,
            Metadata = new() { Name = names.Generation(start.Instance, start.Generation), Labels = labels, Annotations = annotations },
            Spec = new()
            {
                Replicas = replicas,
                RevisionHistoryLimit = 0,
                // two pods of one generation never stand side by side
                Strategy = new() { Type = "Recreate" },
                Selector = new() { MatchLabels = labels },
                Template = new() { Metadata = new() { Labels = labels, Annotations = annotations }, Spec = Pod(start, [.. environment], [.. files]) },
            },
        };
    }

    /// <summary>What every pod of ours is held to: the restricted profile of the Pod Security Standards.</summary>
    public static V1PodSpec Base(KubernetesOptions settings) => new()
    {
        AutomountServiceAccountToken = false,
        EnableServiceLinks = false,
        ServiceAccountName = settings.ServiceAccount is { Length: > 0 } account ? account : null,
        RestartPolicy = "Always",
        TerminationGracePeriodSeconds = GraceSeconds,
        SecurityContext = new() { RunAsNonRoot = true, FsGroup = OwnUser, SeccompProfile = new() { Type = "RuntimeDefault" } },
        ImagePullSecrets = Split(settings.ImagePullSecrets) is { Length: > 0 } pulls ? [.. pulls.Select(name => new V1LocalObjectReference { Name = name })] : null,
        RuntimeClassName = settings.RuntimeClass is { Length: > 0 } runtime ? runtime : null,
        PriorityClassName = settings.PriorityClass is { Length: > 0 } priority ? priority : null,
        NodeSelector = settings.NodeSelector.Count > 0 ? settings.NodeSelector : null,
        Affinity = settings.Affinity is { Length: > 0 } affinity ? Json<V1Affinity>(affinity, nameof(settings.Affinity)) : null,
        Tolerations = settings.Tolerations is { Length: > 0 } tolerations ? Json<List<V1Toleration>>(tolerations, nameof(settings.Tolerations)) : null,
    };

    /// <param name="user">Null leaves it to the image.</param>
    public static V1SecurityContext Held(long? user = OwnUser) => new() { RunAsUser = user, RunAsGroup = user, AllowPrivilegeEscalation = false, ReadOnlyRootFilesystem = true, Capabilities = new() { Drop = ["ALL"] } };

    public static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <exception cref="ServerStartException">It is not what Kubernetes calls so.</exception>
    public static T Json<T>(string text, string key)
    {
        try
        {
            return KubernetesJson.Deserialize<T>(text);
        }
        catch (System.Text.Json.JsonException e)
        {
            throw new ServerStartException($"Obot:Hosting:Kubernetes:{key} is not JSON of that field of a pod: {e.Message}");
        }
    }

    private V1PodSpec Pod(ServerStart start, string[] environment, string[] files)
    {
        var packaged = start.Manifest.Runtime != Runtimes.Containerized;
        var pod = Base(settings);
        var serverSecret = names.ServerSecret(start.Instance, start.Generation);
        pod.Volumes =
        [
            Memory("tmp"), Memory("guard-tmp"), new V1Volume { Name = "write-ahead", EmptyDir = new() },
            Secret("guard-boot", names.GuardSecret(start.Instance, start.Generation), (BootFile, BootFile)),
        ];
        if (packaged)
        {
            var fetched = start.Manifest.Runtime == Runtimes.Npx;
            pod.Volumes.Add(Memory("home"));
            pod.Volumes.Add(new V1Volume { Name = "packages", EmptyDir = new() { SizeLimit = Amount(settings.PackagesSize, nameof(settings.PackagesSize)) } });
            pod.Volumes.Add(Secret("server-boot", serverSecret, (BridgeKey, BootFile)));
            pod.Containers = [Bridge(start, fetched), Guard(start)];
            if (fetched)
            {
                pod.Volumes.Add(Secret("install-boot", serverSecret, (InstallerKey, BootFile)));
                pod.InitContainers = [Installer(start)];
            }
        }
        else
        {
            if (files.Length > 0)
            {
                pod.Volumes.Add(Secret("files", serverSecret, [.. files.Select(file => (FilePrefix + file, file))]));
            }

            pod.Containers = [Server(start, environment, files.Length > 0), Guard(start)];
        }

        return pod;
    }

    private V1Container Server(ServerStart start, string[] environment, bool hasFiles)
    {
        var config = start.Manifest.ContainerizedConfig!;
        return new()
        {
            Name = KubernetesNames.Server,
            Image = config.Image,
            Command = config.Command is { Length: > 0 } command ? [Literal(command)] : null,
            Args = config.Args.Count > 0 ? [.. config.Args.Select(Literal)] : null,
            Env =
            [
                .. environment.Select(name => new V1EnvVar
                {
                    Name = name,
                    ValueFrom = new() { SecretKeyRef = new() { Name = names.ServerSecret(start.Instance, start.Generation), Key = EnvironmentPrefix + name } },
                }),
            ],
            Ports = [new V1ContainerPort { ContainerPort = config.Port ?? ContainerRequests.DefaultPort, Name = "mcp", Protocol = "TCP" }],
            Resources = PodResources.Server(start.Manifest.Resources, settings),
            SecurityContext = Held(settings.RunAs == "image" ? null : long.Parse(settings.RunAs, CultureInfo.InvariantCulture)),
            TerminationMessagePolicy = "FallbackToLogsOnError",
            VolumeMounts = hasFiles ? [Mount("tmp", "/tmp"), Mount("files", FilesFolder, readOnly: true)] : [Mount("tmp", "/tmp")],
        };
    }

    /// <summary>Kubernetes would put the value of a variable in the place of <c>$(NAME)</c>.</summary>
    private static string Literal(string argument) => argument.Replace("$(", "$$(", StringComparison.Ordinal);

    private V1Container Bridge(ServerStart start, bool packagesReadOnly) => new()
    {
        Name = KubernetesNames.Server,
        Image = Required(settings.RuntimeImage, nameof(settings.RuntimeImage)),
        Command = [ShimImages.Program],
        Args = ["bridge", "--boot", $"{BootFolder}/{BootFile}"],
        Resources = PodResources.Server(start.Manifest.Resources, settings),
        SecurityContext = Held(),
        TerminationMessagePolicy = "FallbackToLogsOnError",
        VolumeMounts = [Mount("tmp", "/tmp"), Mount("home", ShimImages.Home), Mount("packages", ShimImages.PackageFolder, packagesReadOnly), Mount("server-boot", BootFolder, readOnly: true)],
    };

    /// <summary>Fetches the package, and knows nothing of the server but how to reach the registry.</summary>
    private V1Container Installer(ServerStart start)
    {
        var installer = Bridge(start, packagesReadOnly: false);
        installer.Name = KubernetesNames.Installer;
        installer.Resources = PodResources.Installer(start.Manifest.Resources, settings);
        installer.VolumeMounts[^1] = Mount("install-boot", BootFolder, readOnly: true);
        return installer;
    }

    private V1Container Guard(ServerStart start)
    {
        var port = GuardPort(start.Manifest);
        return new()
        {
            Name = KubernetesNames.Guard,
            Image = Required(settings.ShimImage, nameof(settings.ShimImage)),
            Command = [ShimImages.Program],
            Args = ["guard", "--boot", $"{BootFolder}/{BootFile}"],
            Env = [new V1EnvVar { Name = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", Value = "1" }],
            Ports = [new V1ContainerPort { ContainerPort = port, Name = "guard", Protocol = "TCP" }],
            ReadinessProbe = new() { HttpGet = new() { Path = "/readyz", Port = port }, PeriodSeconds = 10, TimeoutSeconds = 5, FailureThreshold = 3 },
            Resources = PodResources.Guard(),
            SecurityContext = Held(),
            TerminationMessagePolicy = "FallbackToLogsOnError",
            VolumeMounts = [Mount("guard-tmp", "/tmp"), Mount("write-ahead", ShimImages.WriteAheadFolder), Mount("guard-boot", BootFolder, readOnly: true)],
        };
    }

    private V1Volume Memory(string name) => new() { Name = name, EmptyDir = new() { Medium = "Memory", SizeLimit = Amount(settings.TemporarySize, nameof(settings.TemporarySize)) } };

    private static V1Volume Secret(string name, string secret, params (string Key, string Path)[] items) =>
        new() { Name = name, Secret = new() { SecretName = secret, DefaultMode = OwnerAndGroupRead, Items = [.. items.Select(item => new V1KeyToPath { Key = item.Key, Path = item.Path })] } };

    private static V1VolumeMount Mount(string volume, string path, bool readOnly = false) => new() { Name = volume, MountPath = path, ReadOnlyProperty = readOnly ? true : null };

    private static ResourceQuantity Amount(string text, string key) =>
        ResourceAmounts.Bytes(text) is null ? throw new ServerStartException($"Obot:Hosting:Kubernetes:{key} is '{text}': it must be an amount such as 128Mi") : new(text);

    private static string Required(string image, string key) =>
        image.Length > 0 ? image : throw new ServerStartException($"Obot:Hosting:Kubernetes:{key} is missing: name an image that the cluster can pull (deploy/ has the Dockerfiles)");
}
