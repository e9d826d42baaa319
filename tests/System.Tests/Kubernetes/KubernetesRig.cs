using System.Diagnostics;
using System.Text;
using k8s;
using k8s.Models;
using Obot.SystemTests.Docker;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Kubernetes;

/// <summary>
/// A real cluster (tests/parts/kubernetes.sh makes one), the images of the tests, and two silos that use it with the Role of
/// <c>deploy/kubernetes/role.yaml</c> and no other right.
/// </summary>
public sealed class KubernetesRig : IAsyncLifetime
{
    public const string Name = "kubernetes";
    public const string Namespace = "obot-servers";
    public const string Server = "obot-test/server:1";
    private static readonly TimeSpan BuildLimit = TimeSpan.FromMinutes(40);

    private readonly Scratch scratch = new("kubernetes");
    private Process? parts;
    private ObotCluster? cluster;
    private LocalRegistry? registry;
    private LocalRegistry? closed;

    /// <summary>Why there is no cluster; null when there is.</summary>
    public string? Missing { get; private set; }

    /// <summary>With every right; the silos have those of the Role.</summary>
    internal k8s.Kubernetes Admin { get; private set; } = null!;

    internal ObotCluster Cluster => cluster ?? throw new InvalidOperationException("not started");

    internal string OpenRegistry => registry!.Address;

    internal string ClosedRegistry => closed!.Address;

    /// <summary>The rules of deploy/kubernetes/role.yaml.</summary>
    internal V1Role Role { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is null)
        {
            Missing = "LEFT OUT: ./obot test --all makes a cluster (the first time 12 minutes or more)";
            return;
        }

        if (Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 })
        {
            Missing = "LEFT OUT: KUBECONFIG is set; for a cluster of yours these tests need its registry, which they cannot know (docs/hosting-kubernetes.md)";
            return;
        }

        if (!Environment.IsPrivilegedProcess)
        {
            Missing = "LEFT OUT: only root can start a kubelet and containerd";
            return;
        }

        var printed = await StartPartsAsync();
        if (Missing is not null)
        {
            return;
        }

        await ImportAsync(printed["containerd"]);
        Admin = new(KubernetesClientConfiguration.BuildConfigFromConfigFile(printed["kubeconfig"]));
        var kubeConfig = await MakeAccountAsync();
        registry = await LocalRegistry.StartAsync(withPassword: false);
        closed = await LocalRegistry.StartAsync(withPassword: true);
        cluster = await ObotCluster.StartAsync(
            2,
            ("Obot__Silo__AdvertisedAddress", printed["bridge"]),
            ("Obot__Hosting__Backend", "kubernetes"),
            ("Obot__Hosting__HealthInterval", "00:00:02"),
            ("Obot__Hosting__Kubernetes__KubeConfig", kubeConfig),
            ("Obot__Hosting__Kubernetes__Namespace", Namespace),
            ("Obot__Hosting__Kubernetes__ShimImage", "obot-test/shim:1"),
            ("Obot__Hosting__Kubernetes__RuntimeImage", "obot-test/runtime:1"),
            ("Obot__Hosting__Kubernetes__GuardAddress", "pod"),
            ("Obot__Hosting__Kubernetes__GatewayCidrs", printed["bridge"] + "/32"),
            ("Obot__Hosting__Kubernetes__AllowWithoutNetworkPolicy", "true"),
            ("Obot__Hosting__Kubernetes__SweepInterval", "00:00:05"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var part in new IAsyncDisposable?[] { cluster, registry, closed }.OfType<IAsyncDisposable>())
        {
            await part.DisposeAsync();
        }

        Admin?.Dispose();
        if (parts is { HasExited: false })
        {
            Signals.Send(parts.Id, Signal.Terminate);
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            await parts.WaitForExitAsync(limit.Token);
        }

        parts?.Dispose();
        scratch.Dispose();
    }

    /// <summary>Sets the Role of the silos; null is the one of deploy/.</summary>
    internal Task SetRoleAsync(V1Role? role = null) => Admin.RbacAuthorizationV1.ReplaceNamespacedRoleAsync(role ?? Role, Role.Metadata.Name, Namespace);

    private async Task<Dictionary<string, string>> StartPartsAsync()
    {
        var printed = new Dictionary<string, string>(StringComparer.Ordinal);
        var script = Path.Combine(Repository.Root, "tests", "parts", "kubernetes.sh");
        var errors = new StringBuilder();
        parts = Process.Start(new ProcessStartInfo(script, [Path.Combine(scratch.Folder, "cluster")]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        parts.ErrorDataReceived += (_, line) => errors.AppendLine(line.Data);
        parts.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(BuildLimit);
        while (await parts.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            if (line == "ready")
            {
                return printed;
            }

            var at = line.IndexOf(": ", StringComparison.Ordinal);
            if (at > 0)
            {
                printed[line[..at]] = line[(at + 2)..];
            }
        }

        Missing = $"LEFT OUT: the cluster could not be made: {errors.ToString().Trim()}";
        return printed;
    }

    private async Task ImportAsync(string containerd)
    {
        var shim = Environment.GetEnvironmentVariable("OBOT_SHIM") ?? throw new InvalidOperationException("OBOT_SHIM is not set: ./obot test sets it");
        var fixture = Path.Combine(Repository.Root, "tests", "Fixtures", "container-server", "server.mjs");
        var script = $"cd '{scratch.Folder}' && '{Repository.Root}/tests/parts/kubernetes-images.sh' '{shim}' '{fixture}' && for image in shim runtime server; do ctr -a '{containerd}' -n k8s.io images import $image.tar; rm $image.tar; done";
        (await ProcessRunner.RunAsync("/bin/bash", ["-c", script], TimeSpan.FromMinutes(5))).Checked();
    }

    /// <summary>The service account of the silos, and a kubeconfig with its token.</summary>
    private async Task<string> MakeAccountAsync()
    {
        // the file names an account of another namespace, where a silo's pod would be
        var yaml = (await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "kubernetes", "role.yaml"))).Replace("namespace: obot\n", $"namespace: {Namespace}\n", StringComparison.Ordinal);
        foreach (var item in KubernetesYaml.LoadAllFromString(yaml))
        {
            switch (item)
            {
                case V1Namespace space:
                    await Admin.CoreV1.CreateNamespaceAsync(space);
                    break;
                case V1Role role:
                    Role = role;
                    await Admin.RbacAuthorizationV1.CreateNamespacedRoleAsync(role, Namespace);
                    break;
                case V1RoleBinding binding:
                    await Admin.RbacAuthorizationV1.CreateNamespacedRoleBindingAsync(binding, Namespace);
                    break;
                default:
                    throw new InvalidOperationException($"role.yaml has a {item.GetType().Name}");
            }
        }

        await Admin.CoreV1.CreateNamespacedServiceAccountAsync(new V1ServiceAccount { Metadata = new() { Name = "obot" } }, Namespace);
        await Admin.CoreV1.CreateNamespacedSecretAsync(
            new V1Secret { Metadata = new() { Name = "obot-token", Annotations = new Dictionary<string, string>(StringComparer.Ordinal) { ["kubernetes.io/service-account.name"] = "obot" } }, Type = "kubernetes.io/service-account-token" }, Namespace);
        var secret = await Eventually.ReadAsync("token of the silos", "is there", TimeSpan.FromSeconds(30), () => Admin.CoreV1.ReadNamespacedSecretAsync("obot-token", Namespace), found => found.Data?.ContainsKey("token") is true);
        var file = Path.Combine(scratch.Folder, "silo.kubeconfig");
        await File.WriteAllTextAsync(file, $$"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: tests
              cluster:
                server: "{{Admin.BaseUri.ToString().TrimEnd('/')}}"
                certificate-authority-data: {{Convert.ToBase64String(secret.Data["ca.crt"])}}
            users:
            - name: silo
              user:
                token: {{Encoding.UTF8.GetString(secret.Data["token"])}}
            contexts:
            - name: silo
              context: { cluster: tests, user: silo }
            current-context: silo
            """);
        return file;
    }
}

[CollectionDefinition(KubernetesRig.Name)]
public sealed class KubernetesRigDefinition : ICollectionFixture<KubernetesRig>;

/// <summary>A test with a real cluster; left out loudly where none can be had.</summary>
[Collection(KubernetesRig.Name)]
public abstract class KubernetesTest(KubernetesRig rig, ITestOutputHelper output) : IAsyncLifetime
{
    private readonly List<string> made = [];

    private protected KubernetesRig Rig => rig;

    private protected ObotCluster Cluster => rig.Cluster;

    protected ITestOutputHelper Output => output;

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        if (rig.Missing is { } reason)
        {
            Assert.Skip($"Kubernetes: {reason}");
        }

        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (TestContext.Current.TestState?.Result is TestResult.Failed)
        {
            output.WriteLine(Cluster.LogTail(40));
        }

        foreach (var id in made)
        {
            await Cluster.DeleteAsync(id);
        }
    }

    private protected async Task<McpServer> MakeAsync(object manifest)
    {
        var server = await Cluster.CreateServerAsync(manifest);
        made.Add(server.Id);
        return server;
    }

    private protected static object Container(string name, string image = KubernetesRig.Server, string[]? args = null, object[]? env = null, string? memory = null, string? cpu = null, int startup = 60, bool health = true) => new
    {
        name,
        serverUserType = "multiUser",
        runtime = "containerized",
        containerizedConfig = new { image, port = 8099, path = "/mcp", healthzPath = health ? "/healthz" : null, args = args ?? [], startupTimeoutSeconds = startup },
        env = env ?? [],
        resources = memory is null && cpu is null ? null : new { limits = new { memory, cpu }, requests = cpu is null ? null : new { memory = (string?)null, cpu } },
    };

    /// <summary>Everything of ours in the namespace, of one server or of all, without the policy that stays.</summary>
    private protected async Task<IReadOnlyList<string>> TracesAsync(McpServer? server = null)
    {
        var (core, space) = (rig.Admin.CoreV1, KubernetesRig.Namespace);
        const string Ours = "obot.role=server";
        List<(string Kind, V1ObjectMeta Metadata)> found =
        [
            .. (await rig.Admin.AppsV1.ListNamespacedDeploymentAsync(space, labelSelector: Ours)).Items.Select(one => ("deployment", one.Metadata)),
            .. (await rig.Admin.AppsV1.ListNamespacedReplicaSetAsync(space, labelSelector: Ours)).Items.Select(one => ("replicaset", one.Metadata)),
            .. (await core.ListNamespacedPodAsync(space, labelSelector: Ours)).Items.Select(one => ("pod", one.Metadata)),
            .. (await core.ListNamespacedServiceAsync(space, labelSelector: Ours)).Items.Select(one => ("service", one.Metadata)),
            .. (await core.ListNamespacedSecretAsync(space, labelSelector: Ours)).Items.Select(one => ("secret", one.Metadata)),
            .. (await rig.Admin.NetworkingV1.ListNamespacedNetworkPolicyAsync(space, labelSelector: Ours)).Items.Select(one => ("networkpolicy", one.Metadata)),
        ];
        return [.. found.Where(one => server is null || (one.Metadata.Annotations?.TryGetValue("obot.instance", out var id) is true && id == server.Id)).Select(one => $"{one.Kind}/{one.Metadata.Name}")];
    }

    private protected Task<IReadOnlyList<string>> GoneAsync(McpServer? server = null) =>
        Eventually.ReadAsync("traces in the namespace", "gone", TimeSpan.FromSeconds(60), () => TracesAsync(server), traces => traces.Count == 0);

    private protected async Task<V1Pod> PodAsync(McpServer server) =>
        (await rig.Admin.CoreV1.ListNamespacedPodAsync(KubernetesRig.Namespace)).Items.Where(pod => pod.Metadata.Annotations?.TryGetValue("obot.instance", out var id) is true && id == server.Id && pod.Metadata.DeletionTimestamp is null)
            .OrderByDescending(pod => pod.Metadata.CreationTimestamp).First();
}
