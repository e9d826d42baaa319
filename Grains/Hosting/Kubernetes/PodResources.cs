using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>What containers are given and held to.</summary>
internal static class PodResources
{
    private const string Memory = "memory";
    private const string Cpu = "cpu";

    /// <summary>npm wants more than most servers, and for a moment only.</summary>
    private const string InstallerMemory = "1Gi";

    /// <summary>A server within the limits of its manifest, or the installation's; it requests no more than its limits.</summary>
    public static V1ResourceRequirements Server(ServerResources? resources, KubernetesOptions settings)
    {
        var memory = resources?.Limits?.Memory ?? settings.DefaultMemory;
        var cpu = resources?.Limits?.Cpu ?? settings.DefaultCpu;
        return Of(
            Least(resources?.Requests?.Memory ?? settings.DefaultMemoryRequest, memory, text => ResourceAmounts.Bytes(text)),
            Least(resources?.Requests?.Cpu ?? settings.DefaultCpuRequest, cpu, ResourceAmounts.Cores),
            memory,
            cpu);
    }

    public static V1ResourceRequirements Installer(ServerResources? resources, KubernetesOptions settings)
    {
        var server = Server(resources, settings);
        if (ResourceAmounts.Bytes(resources?.Limits?.Memory ?? settings.DefaultMemory) < ResourceAmounts.Bytes(InstallerMemory))
        {
            server.Limits[Memory] = new(InstallerMemory);
        }

        return server;
    }

    public static V1ResourceRequirements Guard() => Of("32Mi", "10m", "256Mi", cpu: null);

    private static V1ResourceRequirements Of(string memoryRequest, string cpuRequest, string memory, string? cpu)
    {
        var limits = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal) { [Memory] = new(memory) };
        if (cpu is not null)
        {
            limits[Cpu] = new(cpu);
        }

        return new() { Requests = new Dictionary<string, ResourceQuantity>(StringComparer.Ordinal) { [Memory] = new(memoryRequest), [Cpu] = new(cpuRequest) }, Limits = limits };
    }

    private static string Least(string wanted, string limit, Func<string, decimal?> amount) => amount(wanted) > amount(limit) ? limit : wanted;
}
