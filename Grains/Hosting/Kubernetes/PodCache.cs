using System.Collections.Concurrent;
using k8s;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>The pods of ours as this silo's watch knows them: two hundred starts ask nobody but this.</summary>
internal sealed class PodCache(KubernetesNames names)
{
    private readonly ConcurrentDictionary<string, V1Pod> pods = new(StringComparer.Ordinal);

    /// <summary>Why it is not up to date, for a person; null while it is.</summary>
    public string? Fault { get; set; } = "the watch of this silo has not begun";

    public ICollection<V1Pod> All => pods.Values;

    /// <summary>The pod of a generation: one that stays before one that goes, the newest first. Null when there is none.</summary>
    public V1Pod? Find(McpInstanceId instance, long generation) =>
        pods.Values.Where(pod => names.Read(pod.Metadata) is { } ours && ours.Instance == instance && ours.Generation == generation)
            .OrderBy(pod => pod.Metadata.DeletionTimestamp is null ? 0 : 1).ThenByDescending(pod => pod.Metadata.CreationTimestamp).FirstOrDefault();

    public IReadOnlyList<V1Pod> UpTo(McpInstanceId instance, long generation) =>
        [.. pods.Values.Where(pod => names.Read(pod.Metadata) is { } ours && ours.Instance == instance && ours.Generation <= generation)];

    /// <summary>What a list says: all of it, and nothing else.</summary>
    /// <returns>What is gone since.</returns>
    public IReadOnlyList<V1Pod> Replace(IEnumerable<V1Pod> listed)
    {
        var now = listed.ToDictionary(pod => pod.Metadata.Uid, StringComparer.Ordinal);
        var gone = pods.Where(pair => !now.ContainsKey(pair.Key)).Select(pair => pair.Value).ToList();
        foreach (var pod in gone)
        {
            pods.TryRemove(pod.Metadata.Uid, out _);
        }

        foreach (var (uid, pod) in now)
        {
            pods[uid] = pod;
        }

        return gone;
    }

    public void Apply(WatchEventType change, V1Pod pod)
    {
        if (change is WatchEventType.Deleted)
        {
            pods.TryRemove(pod.Metadata.Uid, out _);
        }
        else
        {
            pods[pod.Metadata.Uid] = pod;
        }
    }
}
