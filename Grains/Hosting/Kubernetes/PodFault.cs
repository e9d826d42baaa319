using System.Globalization;
using k8s.Models;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>Why a pod of ours will not serve any more, as far as its status tells.</summary>
/// <param name="Reason">For a person.</param>
/// <param name="Container">Whose last words say more; null when none does.</param>
/// <param name="Previous">They are those of a life before the container's present one.</param>
internal sealed record PodFault(string Reason, string? Container = null, bool Previous = false)
{
    private static readonly string[] PullFailures = ["ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable"];
    private static readonly string[] SetUpFailures = ["CreateContainerConfigError", "CreateContainerError", "RunContainerError"];

    /// <summary>What registries say that no further attempt changes.</summary>
    private static readonly string[] FinalPullWords = ["not found", "manifest unknown", "unauthorized", "denied", "authorization failed", "403 Forbidden", "401 Unauthorized", "invalid reference"];

    /// <summary>Null while it may come up, or serves.</summary>
    public static PodFault? Of(V1Pod pod)
    {
        if (pod.Status is not { } status)
        {
            return null;
        }

        foreach (var container in (status.InitContainerStatuses ?? []).Concat(status.ContainerStatuses ?? []))
        {
            if (OfContainer(pod, container) is { } fault)
            {
                return fault;
            }
        }

        return pod switch
        {
            { Status.Reason: "Evicted" } => new($"its pod was evicted: {Sentence(status.Message)}"),
            { Status: { Phase: "Failed" or "Succeeded", Reason: var reason, Message: var message } } => new($"its pod ended: {Sentence(string.Join(": ", new[] { reason, message }.Where(text => !string.IsNullOrEmpty(text))))}"),
            { Metadata.DeletionTimestamp: not null } => new("its pod is being removed (a drained node, an eviction, or somebody's hand)"),
            _ => null,
        };
    }

    /// <summary>What a pod that may still come up waits for; null when it is nothing worth saying.</summary>
    public static string? Waiting(V1Pod pod)
    {
        if (pod.Status?.Conditions?.FirstOrDefault(condition => condition is { Type: "PodScheduled", Status: "False" }) is { } unscheduled)
        {
            return $"no node takes its pod: {Sentence(unscheduled.Message)}";
        }

        foreach (var container in (pod.Status?.InitContainerStatuses ?? []).Concat(pod.Status?.ContainerStatuses ?? []))
        {
            if (container.State?.Waiting is { Reason: not ("ContainerCreating" or "PodInitializing") } waiting)
            {
                return $"its {container.Name} waits: {waiting.Reason}{(string.IsNullOrEmpty(waiting.Message) ? "" : ": " + waiting.Message)}";
            }
        }

        return null;
    }

    /// <summary>Is the container in the middle of a life?</summary>
    public static bool Runs(V1Pod pod, string container) => pod.Status?.ContainerStatuses?.FirstOrDefault(one => one.Name == container)?.State?.Running is not null;

    /// <summary>Has every container of a pod that goes ended? The kubelet may take ten seconds more to remove what is left of it.</summary>
    public static bool IsOver(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is not null && pod.Status?.ContainerStatuses is { Count: > 0 } containers && containers.All(container => container.State?.Terminated is not null);

    private static PodFault? OfContainer(V1Pod pod, V1ContainerStatus container)
    {
        if (container.State?.Waiting is { Reason: { } reason } waiting)
        {
            if (PullFailures.Contains(reason, StringComparer.Ordinal) || (reason == "ErrImagePull" && FinalPullWords.Any(word => waiting.Message?.Contains(word, StringComparison.OrdinalIgnoreCase) is true)))
            {
                return new($"the image {container.Image} of its {container.Name} cannot be pulled: {PullReason(reason, waiting.Message)}");
            }

            if (SetUpFailures.Contains(reason, StringComparer.Ordinal))
            {
                return new($"the {container.Name} could not be started: {Sentence(waiting.Message ?? reason)}");
            }
        }

        var ended = container.State?.Terminated;
        if (ended is not null && container.Name == KubernetesNames.Installer && ended.ExitCode == 0)
        {
            return null;
        }

        // a container that the kubelet has started again was gone all the same
        var before = ended is null ? container.LastState?.Terminated : null;
        return ended is null && (before is null || (container.Name == KubernetesNames.Installer && before.ExitCode == 0))
            ? null
            : new(End(pod, container, (ended ?? before)!), container.Name, Previous: ended is null && container.State?.Running is not null);
    }

    private static string End(V1Pod pod, V1ContainerStatus container, V1ContainerStateTerminated end)
    {
        var role = container.Name;
        return end switch
        {
            { Reason: "OOMKilled" } => $"the {role} ran out of memory: it was killed at its limit of {Limit(pod, role)} (resources.limits.memory of the manifest)",
            { Reason: "ContainerCannotRun" or "StartError" } => $"the {role} could not be started: {Sentence(end.Message)}",
            { Signal: > 0 } => string.Create(CultureInfo.InvariantCulture, $"the {role} was killed by signal {end.Signal}"),
            { ExitCode: > 128 and < 160 } => string.Create(CultureInfo.InvariantCulture, $"the {role} was killed by signal {end.ExitCode - 128}"),
            _ => string.Create(CultureInfo.InvariantCulture, $"the {role} exited with code {end.ExitCode}"),
        };
    }

    private static string Limit(V1Pod pod, string container)
    {
        var limits = (pod.Spec?.Containers ?? []).Concat(pod.Spec?.InitContainers ?? []).FirstOrDefault(one => one.Name == container)?.Resources?.Limits;
        return limits is not null && limits.TryGetValue("memory", out var memory) ? memory.ToString() : "memory";
    }

    private static string PullReason(string reason, string? message) => message switch
    {
        null or "" => reason,
        _ when message.Contains("not found", StringComparison.OrdinalIgnoreCase) || message.Contains("manifest unknown", StringComparison.OrdinalIgnoreCase) => $"it does not exist ({message})",
        _ when FinalPullWords.Skip(2).Take(5).Any(word => message.Contains(word, StringComparison.OrdinalIgnoreCase)) => $"the registry wants credentials (Obot:Hosting:Kubernetes:ImagePullSecrets): {message}",
        _ => message,
    };

    private static string Sentence(string? text) => string.IsNullOrWhiteSpace(text) ? "Kubernetes does not say why" : text.Trim().TrimEnd('.');
}
