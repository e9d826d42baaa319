using System.Globalization;
using System.Net;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>All that is wrong with <see cref="KubernetesOptions"/>, before anything runs.</summary>
internal static class KubernetesOptionsCheck
{
    private const string Section = "Obot:Hosting:Kubernetes:";

    public static IEnumerable<string> Of(KubernetesOptions options)
    {
        if (options.ShimImage.Length == 0)
        {
            yield return $"{Section}ShimImage is missing: name an image of the guard that the cluster can pull (deploy/shim.Dockerfile)";
        }

        if (options.GuardAddress is not (GuardAddresses.Service or GuardAddresses.Pod))
        {
            yield return $"{Section}GuardAddress is '{options.GuardAddress}': it must be {GuardAddresses.Service} or {GuardAddresses.Pod}";
        }

        if (options.RunAs != "image" && !(long.TryParse(options.RunAs, CultureInfo.InvariantCulture, out var user) && user > 0))
        {
            yield return $"{Section}RunAs is '{options.RunAs}': it must be the number of a user that is not root, or image";
        }

        foreach (var cidr in PodManifest.Split(options.GatewayCidrs).Where(cidr => !IPNetwork.TryParse(cidr, out _)))
        {
            yield return $"{Section}GatewayCidrs has '{cidr}': it must be ranges such as 10.1.0.0/24, separated by commas";
        }

        (string Key, string Value)[] memory =
        [
            (nameof(options.DefaultMemory), options.DefaultMemory), (nameof(options.DefaultMemoryRequest), options.DefaultMemoryRequest),
            (nameof(options.TemporarySize), options.TemporarySize), (nameof(options.PackagesSize), options.PackagesSize),
        ];
        foreach (var (key, value) in memory.Where(pair => ResourceAmounts.Bytes(pair.Value) is null))
        {
            yield return $"{Section}{key} is '{value}': it must be an amount such as 512Mi";
        }

        (string Key, string Value)[] cores = [(nameof(options.DefaultCpu), options.DefaultCpu), (nameof(options.DefaultCpuRequest), options.DefaultCpuRequest)];
        foreach (var (key, value) in cores.Where(pair => ResourceAmounts.Cores(pair.Value) is null))
        {
            yield return $"{Section}{key} is '{value}': it must be cores such as 1 or 500m";
        }

        foreach (var failure in new[] { Json<V1Affinity>(options.Affinity, nameof(options.Affinity)), Json<List<V1Toleration>>(options.Tolerations, nameof(options.Tolerations)) }.OfType<string>())
        {
            yield return failure;
        }
    }

    private static string? Json<T>(string text, string key)
    {
        try
        {
            if (text.Length > 0)
            {
                PodManifest.Json<T>(text, key);
            }

            return null;
        }
        catch (ServerStartException e)
        {
            return e.Message;
        }
    }
}
