using System.Net.Sockets;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Docker;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>
/// Does the cluster enforce network policies? Many take them without a word and do nothing. A pod that listens is reached, closed by a policy,
/// and must not be reached any more. Asked once; a "no" again after a while.
/// </summary>
internal sealed partial class EnforcementProbe(
    KubernetesConnection connection, KubernetesNames names, KubernetesObjects objects, IOptions<HostingOptions> options, TimeProvider time, ILogger<EnforcementProbe> logger) : IDisposable
{
    private const int Port = 8097;
    private static readonly TimeSpan AskAgain = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(250);

    private readonly SemaphoreSlim gate = new(1);
    private string? fault = "";
    private DateTimeOffset askedAt;

    /// <exception cref="ServerStartException">The manifest needs it, it is not there, and the installation does not say that it may do without.</exception>
    public async Task DemandAsync(ServerManifest manifest, Action<string> progress, CancellationToken cancellationToken)
    {
        if (options.Value.Kubernetes.AllowWithoutNetworkPolicy || !ServerPolicies.Confines(manifest))
        {
            return;
        }

        await gate.WaitAsync(cancellationToken);
        try
        {
            if (fault is { } known && (known.Length == 0 || time.GetUtcNow() - askedAt > AskAgain))
            {
                progress("finding out whether the cluster enforces network policies");
                fault = await FindAsync(cancellationToken);
                askedAt = time.GetUtcNow();
                LogAsked(connection.Host, fault ?? "enforced");
            }

            if (fault is not null)
            {
                throw new ServerStartException(
                    $"nothing would keep this server's container from what is near it: {fault}. Use a network that enforces policies, or accept it with Obot:Hosting:Kubernetes:AllowWithoutNetworkPolicy=true");
            }
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose() => gate.Dispose();

    private async Task<string?> FindAsync(CancellationToken cancellationToken)
    {
        var settings = options.Value.Kubernetes;
        var name = $"obot-probe-{Guid.NewGuid():N}"[..24];
        var labels = names.Labels(KubernetesNames.ProbeRole);
        labels["obot.probe"] = name;
        var deployment = await objects.EnsureAsync(Deployment(name, labels, settings), cancellationToken);
        try
        {
            if (await AddressAsync(name, cancellationToken) is not { } address)
            {
                return $"the pod that finds out whether network policies are enforced did not come up within {StartLimit.TotalSeconds:0} s, or this silo does not reach pods";
            }

            await objects.EnsureAsync(new ServerPolicies(names, settings).Probe(name, labels, KubernetesObjects.OwnerOf(deployment)), cancellationToken);
            for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < CloseLimit;)
            {
                if (!await ReachesAsync(address, cancellationToken))
                {
                    return null;
                }

                await Task.Delay(Poll, time, cancellationToken);
            }

            return "the cluster takes network policies and does not enforce them (towards this silo)";
        }
        finally
        {
            await objects.DeleteAsync(deployment, CancellationToken.None);
        }
    }

    private static V1Deployment Deployment(string name, Dictionary<string, string> labels, KubernetesOptions settings)
    {
        var pod = PodManifest.Base(settings);
        pod.TerminationGracePeriodSeconds = 1;
        pod.Containers =
        [
            new()
            {
                Name = KubernetesNames.ProbeRole,
                Image = settings.ShimImage,
                Command = [ShimImages.Program],
                Args = ["listen", $"{Port}"],
                SecurityContext = PodManifest.Held(),
                Resources = PodResources.Guard(),
            },
        ];
        return new()
        {
            ApiVersion = $"{V1Deployment.KubeGroup}/{V1Deployment.KubeApiVersion}",
            Kind = V1Deployment.KubeKind,
            Metadata = new() { Name = name, Labels = labels },
            Spec = new() { Replicas = 1, Selector = new() { MatchLabels = labels }, Template = new() { Metadata = new() { Labels = labels }, Spec = pod } },
        };
    }

    private async Task<string?> AddressAsync(string name, CancellationToken cancellationToken)
    {
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < StartLimit; await Task.Delay(Poll, time, cancellationToken))
        {
            var pods = await KubernetesRefusal.AskAsync(
                "list", "pods", connection.Namespace, () => connection.Client.CoreV1.ListNamespacedPodAsync(connection.Namespace, labelSelector: $"obot.probe={name}", cancellationToken: cancellationToken));
            if (pods.Items.FirstOrDefault()?.Status?.PodIP is { Length: > 0 } address && await ReachesAsync(address, cancellationToken))
            {
                return address;
            }
        }

        return null;
    }

    private static async Task<bool> ReachesAsync(string address, CancellationToken cancellationToken)
    {
        using var socket = new TcpClient();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ConnectLimit);
        try
        {
            await socket.ConnectAsync(address, Port, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    [LoggerMessage(LogLevel.Information, "Network policies of {Host}: {Answer}")]
    private partial void LogAsked(string host, string answer);
}
