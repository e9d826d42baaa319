using Microsoft.Extensions.Options;
using Obot.Grains.Hosting.Docker;
using Obot.Grains.Hosting.Kubernetes;

namespace Obot.Grains.Hosting;

/// <summary>All that is wrong at once, before anything runs.</summary>
internal sealed class HostingOptionsValidator : IValidateOptions<HostingOptions>
{
    private static readonly string[] Backends = [BackendNames.Process, BackendNames.Docker, BackendNames.Kubernetes];

    public ValidateOptionsResult Validate(string? name, HostingOptions options)
    {
        var failures = new List<string>();
        var docker = options.Docker;
        if (options.Backend.Length > 0 && !Backends.Contains(options.Backend, StringComparer.Ordinal))
        {
            failures.Add($"Obot:Hosting:Backend is '{options.Backend}': it must be {string.Join(" or ", Backends)}, or left out");
        }

        Try(() => DockerDaemon.EndpointOf(docker.Endpoint));
        Try(() => DockerNetworks.Pool(docker.AddressPool));
        Try(() => ContainerLimits.Server(null, docker));
        for (var i = 0; i < docker.Registries.Count; i++)
        {
            if (docker.Registries[i].Server.Length == 0)
            {
                failures.Add($"Obot:Hosting:Docker:Registries:{i}:Server is missing: it must be a registry as images name it, such as ghcr.io");
            }
        }

        if (options.Backend == BackendNames.Kubernetes)
        {
            failures.AddRange(KubernetesOptionsCheck.Of(options.Kubernetes));
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);

        void Try(Func<object> check)
        {
            try
            {
                check();
            }
            catch (ServerStartException e)
            {
                failures.Add(e.Message);
            }
        }
    }
}
