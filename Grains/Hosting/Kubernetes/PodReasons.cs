using k8s.Models;
using Obot.Grains.Hosting.Docker;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>A fault of a pod in full: its status, the last words of the container, what Kubernetes said about it.</summary>
internal sealed class PodReasons(PodOutput output)
{
    private const int Lines = 20;

    public async Task<string> OfAsync(V1Pod pod, PodFault fault, CancellationToken cancellationToken)
    {
        if (fault.Container is { } container)
        {
            var said = await output.TailAsync(pod.Metadata.Name, container, Lines, fault.Previous, cancellationToken);
            if (said.LastOrDefault(line => line.Event?.Event == ShimEvent.Failed) is { Event.Reason: { } failed })
            {
                // a shim that could not start says it better than any exit code
                return fault.Reason.Contains("out of memory", StringComparison.Ordinal) ? $"{fault.Reason}; {failed}" : failed;
            }

            return fault.Reason + ContainerEnd.LastWords(said);
        }

        return fault.Reason.Contains("Back-off", StringComparison.Ordinal) && await output.WarningAsync(pod.Metadata, cancellationToken) is { } warning ? $"{fault.Reason} ({warning})" : fault.Reason;
    }

    /// <summary>Why a pod that neither came up nor failed is where it is; empty when nobody knows.</summary>
    public async Task<string> OfWaitingAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var cause = PodFault.Waiting(pod) ?? await output.WarningAsync(pod.Metadata, cancellationToken);
        var said = PodFault.Runs(pod, KubernetesNames.Server) ? await output.TailAsync(pod.Metadata.Name, KubernetesNames.Server, Lines, previous: false, cancellationToken) : [];
        return (cause is null ? "" : $"; {cause}") + (said.Count > 0 ? ContainerEnd.LastWords(said) : "");
    }
}
