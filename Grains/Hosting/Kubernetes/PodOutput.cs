using System.Runtime.CompilerServices;
using System.Text;
using k8s;
using k8s.Autorest;
using k8s.Models;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>What the containers of a pod print, and what Kubernetes says about the pod.</summary>
internal sealed class PodOutput(KubernetesConnection connection)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Lines of one container, oldest first; with <paramref name="follow"/> until it ends.</summary>
    /// <param name="previous">Of its life before the present one.</param>
    public async IAsyncEnumerable<OutputLine> ReadAsync(string pod, string container, int tail, bool follow, bool previous, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stream = await connection.Client.CoreV1.ReadNamespacedPodLogAsync(
            pod, connection.Namespace, container: container, follow: follow, previous: previous, tailLines: tail, timestamps: true, cancellationToken: cancellationToken);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return OutputLine.Parse(line);
        }
    }

    /// <summary>The last lines of a container that may be gone any moment.</summary>
    public async Task<IReadOnlyList<OutputLine>> TailAsync(string pod, string container, int lines, bool previous, CancellationToken cancellationToken)
    {
        var tail = new List<OutputLine>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            await foreach (var line in ReadAsync(pod, container, lines, follow: false, previous, limit.Token))
            {
                tail.Add(line);
            }
        }
        catch (Exception e) when (e is HttpOperationException or IOException or HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // what was read is what there is
        }

        return tail;
    }

    /// <summary>The last warning about a pod; null when there is none, or this installation may not read events.</summary>
    public async Task<string?> WarningAsync(V1ObjectMeta about, CancellationToken cancellationToken)
    {
        try
        {
            var events = await connection.Client.CoreV1.ListNamespacedEventAsync(connection.Namespace, fieldSelector: $"involvedObject.uid={about.Uid}", cancellationToken: cancellationToken);
            // consequences of what another event tells, and what says nothing of this pod
            var last = events.Items.Where(one => one.Type == "Warning" && one.Reason is not ("BackOff" or "Unhealthy" or "MissingClusterDNS") && one.Message?.StartsWith("Error: ", StringComparison.Ordinal) is not true).MaxBy(one => one.LastTimestamp ?? one.EventTime ?? one.Metadata.CreationTimestamp);
            return last is null ? null : $"{last.Reason}: {last.Message?.Trim().TrimEnd('.')}";
        }
        catch (Exception e) when (e is HttpOperationException or HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }
}
