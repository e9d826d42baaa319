using System.Runtime.CompilerServices;
using k8s.Autorest;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>What a server wrote: from its pod while that exists.</summary>
internal sealed class KubernetesLogs(PodCache pods, KubernetesNames names, PodOutput output, RememberedLogs remembered)
{
    private const int Kept = 1000;

    public IAsyncEnumerable<ServerLogLine> ReadAsync(McpInstanceId instance, bool follow, CancellationToken cancellationToken) =>
        remembered.ReadAsync(instance, token => Task.FromResult(Newest(instance, follow, token)), follow, cancellationToken);

    private LivingOutput? Newest(McpInstanceId instance, bool follow, CancellationToken cancellationToken)
    {
        var found = pods.All.Select(pod => (Pod: pod, Ours: names.Read(pod.Metadata)))
            .Where(pair => pair.Ours?.Instance == instance && PodFault.Runs(pair.Pod, KubernetesNames.Server)).ToList();
        if (found.Count == 0)
        {
            return null;
        }

        var (newest, ours) = found.MaxBy(pair => pair.Ours!.Value.Generation);
        return new(ours!.Value.Generation, OwnAsync(newest, follow, cancellationToken));
    }

    private async IAsyncEnumerable<OutputLine> OwnAsync(V1Pod pod, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var lines = output.ReadAsync(pod.Metadata.Name, KubernetesNames.Server, Kept, follow, previous: false, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await NextAsync(lines))
        {
            yield return lines.Current;
        }
    }

    /// <summary>A pod that goes while it is read has said what it had to say.</summary>
    private static async Task<bool> NextAsync(IAsyncEnumerator<OutputLine> lines)
    {
        try
        {
            return await lines.MoveNextAsync();
        }
        catch (Exception e) when (e is HttpOperationException or HttpRequestException or IOException)
        {
            return false;
        }
    }
}
