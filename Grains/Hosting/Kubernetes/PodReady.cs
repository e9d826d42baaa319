using System.Globalization;
using k8s;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>Waits until the guard of a new pod says that the server answers, or until it is known why it will not.</summary>
internal sealed class PodReady(KubernetesConnection connection, KubernetesNames names, KubernetesObjects objects, PodCache pods, PodReasons reasons, TimeProvider time, IHttpClientFactory http)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>Between two questions about a Deployment without a pod, or a pod without a watch.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    /// <param name="service">Cluster address of the Service; null for the pod's own.</param>
    /// <exception cref="ServerStartException">It did not come up; the message says why.</exception>
    public async Task<(string Url, V1Pod Pod)> AwaitAsync(ServerStart start, string? service, Action<string> tell, CancellationToken cancellationToken)
    {
        var seconds = start.Manifest.StartupTimeoutSeconds;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        using var client = http.CreateClient(KubernetesBackend.HttpClientName);
        V1Pod? pod = null;
        var (last, waits, asked) = ("Kubernetes has not made its pod", "", 0L);
        try
        {
            while (true)
            {
                pod = pods.Find(start.Instance, start.Generation) ?? pod;
                if ((pod is null || pods.Fault is not null) && (asked == 0 || time.GetElapsedTime(asked) > AskAgain))
                {
                    asked = time.GetTimestamp();
                    pod = await AskAsync(start, limit.Token) ?? pod;
                }

                if (pod is not null && PodFault.Of(pod) is { } fault)
                {
                    throw new ServerStartException(await reasons.OfAsync(pod, fault, cancellationToken));
                }

                if (pod is not null && PodFault.Waiting(pod) is { } waiting && waiting != waits)
                {
                    tell(waits = waiting);
                }

                if (pod?.Status?.PodIP is { Length: > 0 } address)
                {
                    var url = UrlOf(service ?? address, PodManifest.GuardPort(start.Manifest));
                    if (await ReadyAsync(client, url, limit.Token) is not { } said)
                    {
                        return (url, pod);
                    }

                    last = said;
                }

                await Task.Delay(Poll, time, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerStartException($"did not become ready within {seconds} s: {last}{(pod is null ? "" : await reasons.OfWaitingAsync(pod, cancellationToken))}");
        }
    }

    /// <summary>Null when its guard and the server behind it answer.</summary>
    public static async Task<string?> ReadyAsync(HttpClient client, string url, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(new Uri(url + "/readyz"), cancellationToken);
            return answer.IsSuccessStatusCode ? null : await answer.Content.ReadAsStringAsync(cancellationToken);
        }
        catch (HttpRequestException e)
        {
            return $"its guard cannot be reached at {url}: {e.Message}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"its guard did not answer at {url}";
        }
    }

    private static string UrlOf(string address, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"http://{(address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address)}:{port}");

    /// <summary>A Deployment that cannot make its pod says why; a watch that does not work is done without.</summary>
    private async Task<V1Pod?> AskAsync(ServerStart start, CancellationToken cancellationToken)
    {
        var name = names.Generation(start.Instance, start.Generation);
        var deployment = await objects.DeploymentAsync(name, cancellationToken) ?? throw new ServerStartException("its Deployment was removed");
        if (deployment.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "ReplicaFailure", Status: "True" }) is { Message: { } refused })
        {
            throw new ServerStartException(KubernetesRefusal.IsQuota(refused) ? $"a quota of namespace {connection.Namespace} does not allow its pod: {refused}" : $"the cluster does not admit its pod: {refused}");
        }

        if (pods.Fault is null)
        {
            return null;
        }

        var selector = $"{names.Ours(start.Instance)},{KubernetesNames.GenerationLabel}={start.Generation.ToString(CultureInfo.InvariantCulture)}";
        var found = await KubernetesRefusal.AskAsync("list", "pods", connection.Namespace, () => connection.Client.CoreV1.ListNamespacedPodAsync(connection.Namespace, labelSelector: selector, cancellationToken: cancellationToken));
        return found.Items.FirstOrDefault();
    }
}
