using System.Runtime.CompilerServices;
using k8s.Autorest;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>What a server wrote: from its pod while that exists, and what silos kept of lives that are over and of starts under way.</summary>
internal sealed class KubernetesLogs(PodCache pods, KubernetesNames names, PodOutput output, RememberedLogs remembered)
{
    private const int Kept = 1000;
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    public async IAsyncEnumerable<ServerLogLine> ReadAsync(McpInstanceId instance, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shown = 0L;
        var last = DateTimeOffset.MinValue;
        while (true)
        {
            foreach (var line in (await remembered.ReadAsync(instance, cancellationToken)).Where(line => line.At > last && line.Generation > shown).OrderBy(line => line.At))
            {
                last = line.At;
                yield return line;
            }

            if (Newest(instance) is { } newest && newest.Generation > shown)
            {
                // its own lines are the container's from here on
                shown = newest.Generation;
                await foreach (var line in OwnAsync(newest.Pod, follow, cancellationToken))
                {
                    if (line.Text is { } text)
                    {
                        last = line.At;
                        yield return new(line.At, newest.Generation, text);
                    }
                }
            }

            if (!follow)
            {
                yield break;
            }

            await Task.Delay(AskAgain, cancellationToken);
        }
    }

    private (V1Pod Pod, long Generation)? Newest(McpInstanceId instance)
    {
        var found = pods.All.Select(pod => (Pod: pod, Ours: names.Read(pod.Metadata)))
            .Where(pair => pair.Ours?.Instance == instance && PodFault.Runs(pair.Pod, KubernetesNames.Server)).ToList();
        return found.Count == 0 ? null : found.Select(pair => (pair.Pod, pair.Ours!.Value.Generation)).MaxBy(pair => pair.Generation);
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
