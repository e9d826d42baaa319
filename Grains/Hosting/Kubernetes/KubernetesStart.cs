using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using k8s.Models;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Docker;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>One generation on its way: the Deployment without a pod, all that the pod needs and that goes with it, then the pod.</summary>
internal sealed class KubernetesStart(
    KubernetesConnection connection,
    KubernetesNames names,
    KubernetesObjects objects,
    EnforcementProbe enforcement,
    PodReady ready,
    ControlAddresses control,
    BootDocuments boots,
    RecentLogs logs,
    TimeProvider time,
    IOptions<HostingOptions> options)
{
    /// <summary>Audit records have this long to leave a pod that ends, within its grace period.</summary>
    private const int DrainMilliseconds = 20_000;

    public async Task<Deployment> RunAsync(ServerStart start, CancellationToken cancellationToken)
    {
        var settings = options.Value.Kubernetes;
        logs.Begin(start.Instance, start.Generation);
        void Tell(string said)
        {
            start.Progress(said);
            logs.Write(start.Instance, start.Generation, said);
        }

        var urls = control.ForContainers;
        await enforcement.DemandAsync(start.Manifest, Tell, cancellationToken);
        var around = new ServerObjects(names);
        var policies = new ServerPolicies(names, settings);
        var manifest = new PodManifest(names, settings);
        var content = Configuration(start, out var upstream, out var environment, out var files);
        Tell("making its pod");
        await objects.EnsureAsync(policies.Closed(), cancellationToken);
        var deployment = await objects.EnsureAsync(manifest.Deployment(start, environment, files, replicas: 0), cancellationToken);
        var owner = KubernetesObjects.OwnerOf(deployment);
        var listen = string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{PodManifest.GuardPort(start.Manifest)}");
        var guard = boots.Guard(start, listen, urls, upstream) with { WrittenAt = time.GetUtcNow() };
        guard = guard with { Audit = guard.Audit! with { DrainMilliseconds = DrainMilliseconds } };

        // the policy first: no pod is without it for a moment
        await objects.EnsureAsync(policies.Of(start, owner, urls, connection.OwnNamespace), cancellationToken);
        var service = objects.EnsureAsync(around.Service(start, owner), cancellationToken);
        await Task.WhenAll(
            service,
            objects.EnsureAsync(around.ServerSecret(start, owner, content), cancellationToken),
            objects.EnsureAsync(around.GuardSecret(start, owner, JsonSerializer.SerializeToUtf8Bytes(guard, ShimJson.Default.GuardBoot)), cancellationToken));
        await objects.ApplyAsync(manifest.Deployment(start, environment, files, replicas: 1), cancellationToken);

        var (url, pod) = await ready.AwaitAsync(start, settings.GuardAddress == GuardAddresses.Pod ? null : (await service).Spec.ClusterIP, Tell, cancellationToken);
        return new()
        {
            Backend = BackendNames.Kubernetes,
            Host = connection.Host,
            GuardUrl = url,
            Image = ImageOf(start.Manifest, pod),
            Processes = [new(KubernetesNames.Guard, 0) { Container = $"{pod.Metadata.Name}/{KubernetesNames.Guard}" }, new(KubernetesNames.Server, 0) { Container = $"{pod.Metadata.Name}/{KubernetesNames.Server}" }],
        };
    }

    /// <summary>What goes into the server's Secret, and how its guard finds the server.</summary>
    private Dictionary<string, byte[]> Configuration(ServerStart start, out GuardUpstream upstream, out IEnumerable<string> environment, out IEnumerable<string> files)
    {
        var content = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        if (start.Manifest.Runtime == Runtimes.Containerized)
        {
            var config = start.Manifest.ContainerizedConfig!;
            var (variables, contents) = ServerEnvironment.Of(start, PodManifest.FilesFolder);
            foreach (var (name, value) in variables)
            {
                content[PodManifest.EnvironmentPrefix + name] = Encoding.UTF8.GetBytes(value);
            }

            foreach (var (name, value) in contents)
            {
                content[PodManifest.FilePrefix + name] = Encoding.UTF8.GetBytes(value);
            }

            (environment, files) = (variables.Keys, contents.Keys);
            var origin = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{config.Port ?? ContainerRequests.DefaultPort}");
            upstream = new()
            {
                Url = origin + Rooted(config.Path ?? ContainerRequests.DefaultPath),
                HealthUrl = config.HealthzPath is { Length: > 0 } health ? origin + Rooted(health) : null,
                Hosted = true,
            };
            return content;
        }

        var fetched = start.Manifest.Runtime == Runtimes.Npx;
        var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var bridge = boots.BridgeInContainer(start, secret, PodManifest.BridgePort, fetched) with { Listen = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{PodManifest.BridgePort}") };
        content[PodManifest.BridgeKey] = JsonSerializer.SerializeToUtf8Bytes(bridge, ShimJson.Default.BridgeBoot);
        if (fetched)
        {
            content[PodManifest.InstallerKey] = JsonSerializer.SerializeToUtf8Bytes(boots.Installer(start), ShimJson.Default.BridgeBoot);
        }

        (environment, files) = ([], []);
        upstream = new() { Url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{PodManifest.BridgePort}/mcp"), Secret = secret, Hosted = true };
        return content;
    }

    private static string Rooted(string path) => path.StartsWith('/') ? path : "/" + path;

    /// <summary>With its digest, where the node knows one.</summary>
    private static string? ImageOf(ServerManifest manifest, V1Pod pod)
    {
        if (manifest.ContainerizedConfig?.Image is not { } image)
        {
            return null;
        }

        var id = pod.Status?.ContainerStatuses?.FirstOrDefault(container => container.Name == KubernetesNames.Server)?.ImageID ?? "";
        return id.Contains("@sha256:", StringComparison.Ordinal) ? id : image;
    }
}
