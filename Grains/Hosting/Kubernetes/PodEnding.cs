using k8s;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>
/// The end of a generation: the last words of its server are kept, its guard gets to ship its last audit records, and it is waited for. What a
/// lost node had not shipped is lost with it.
/// </summary>
internal sealed class PodEnding(KubernetesNames names, KubernetesObjects objects, PodCache pods, PodOutput output, RecentLogs logs, TimeProvider time)
{
    private const int KeptLines = 1000;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    /// <summary>For the kubelet to start a guard again that died, which it does at once the first time: only it can read the records that it left.</summary>
    private static readonly TimeSpan GuardBack = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Both together stay below the time-out of a grain call: whoever stops a server waits for this. What takes longer, and a pod on a node
    /// that does not answer, goes on without us.
    /// </summary>
    private static readonly TimeSpan GoneWithin = TimeSpan.FromSeconds(2);

    public async Task EndAsync(V1Deployment deployment, CancellationToken cancellationToken)
    {
        if (names.Read(deployment.Metadata) is not { } ours)
        {
            return;
        }

        if (pods.Find(ours.Instance, ours.Generation) is { } pod)
        {
            await AwaitGuardAsync(pod, ours.Instance, ours.Generation, cancellationToken);
            await KeepAsync(pod, ours.Instance, ours.Generation, cancellationToken);
        }

        await objects.DeleteAsync(deployment, cancellationToken);
        for (var begun = time.GetTimestamp(); pods.Fault is null && time.GetElapsedTime(begun) < GoneWithin && pods.Find(ours.Instance, ours.Generation) is { } left && !PodFault.IsOver(left);)
        {
            await Task.Delay(Poll, time, cancellationToken);
        }
    }

    private async Task AwaitGuardAsync(V1Pod pod, McpInstanceId instance, long generation, CancellationToken cancellationToken)
    {
        // a guard that never ran has written nothing, and in a pod that is over nothing starts again
        for (var begun = time.GetTimestamp(); time.GetElapsedTime(begun) < GuardBack && WasThere(pod) && !PodFault.Runs(pod, KubernetesNames.Guard);)
        {
            await Task.Delay(Poll, time, cancellationToken);
            pod = pods.Find(instance, generation) ?? pod;
        }
    }

    private static bool WasThere(V1Pod pod) =>
        pod is { Metadata.DeletionTimestamp: null, Status.Phase: "Running" }
        && pod.Status.ContainerStatuses?.FirstOrDefault(container => container.Name == KubernetesNames.Guard) is { } guard
        && (guard.LastState?.Terminated ?? guard.State?.Terminated) is not null;

    private async Task KeepAsync(V1Pod pod, McpInstanceId instance, long generation, CancellationToken cancellationToken)
    {
        var server = pod.Status?.ContainerStatuses?.FirstOrDefault(container => container.Name == KubernetesNames.Server);
        string[] lives = server?.LastState?.Terminated is null ? [""] : ["previous", ""];
        foreach (var life in lives)
        {
            foreach (var line in await output.TailAsync(pod.Metadata.Name, KubernetesNames.Server, KeptLines, life.Length > 0, cancellationToken))
            {
                if (line.Text is { } text)
                {
                    logs.Write(instance, generation, text, line.At);
                }
            }
        }
    }
}
