using Docker.DotNet.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>What every container of ours is held to.</summary>
internal static class ContainerLimits
{
    private const long GuardMemory = 256L << 20;
    private const int LogFiles = 2;

    /// <summary>A server within the limits of its manifest, or the installation's.</summary>
    public static HostConfig Server(ServerResources? resources, DockerOptions docker)
    {
        var host = Hardened(
            ResourceAmounts.Bytes(resources?.Limits?.Memory) ?? Amount(ResourceAmounts.Bytes(docker.DefaultMemory), docker.DefaultMemory, nameof(docker.DefaultMemory)),
            ResourceAmounts.Cores(resources?.Limits?.Cpu) ?? Amount(ResourceAmounts.Cores(docker.DefaultCpu), docker.DefaultCpu, nameof(docker.DefaultCpu)),
            docker.PidsLimit,
            docker.TemporarySize);
        host.MemoryReservation = Math.Min(ResourceAmounts.Bytes(resources?.Requests?.Memory) ?? 0, host.Memory);
        if (ResourceAmounts.Cores(resources?.Requests?.Cpu) is { } cores)
        {
            // weights are thousandths of a core, as Kubernetes gives them
            host.CPUShares = Math.Max(2, (long)(cores * 1024));
        }

        return host;
    }

    public static HostConfig Guard(DockerOptions docker) => Hardened(GuardMemory, cores: 0, docker.PidsLimit, docker.TemporarySize);

    private static HostConfig Hardened(long memory, decimal cores, int pids, string temporarySize) => new()
    {
        ReadonlyRootfs = true,
        CapDrop = ["ALL"],
        SecurityOpt = ["no-new-privileges"],
        Memory = memory,
        // as much in all as in memory: no swap
        MemorySwap = memory,
        NanoCPUs = (long)(cores * 1_000_000_000m),
        PidsLimit = pids,
        Tmpfs = new Dictionary<string, string>(StringComparer.Ordinal) { ["/tmp"] = Temporary(temporarySize, "1777") },
        // its life is its grain's business
        RestartPolicy = new RestartPolicy { Name = RestartPolicyKind.No },
        LogConfig = new LogConfig { Type = "json-file", Config = new Dictionary<string, string>(StringComparer.Ordinal) { ["max-size"] = "5m", ["max-file"] = $"{LogFiles}" } },
    };

    /// <summary>Options of a tmpfs.</summary>
    public static string Temporary(string size, string mode)
    {
        var bytes = ResourceAmounts.Bytes(size) ?? throw new ServerStartException($"Obot:Hosting:Docker:TemporarySize is '{size}': it must be an amount such as 128Mi");
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"rw,nosuid,nodev,size={bytes},mode={mode}");
    }

    private static T Amount<T>(T? value, string text, string key)
        where T : struct => value ?? throw new ServerStartException($"Obot:Hosting:Docker:{key} is '{text}': it must be an amount such as 512Mi of memory, 500m or 1 of cores");
}
