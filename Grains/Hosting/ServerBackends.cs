using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>
/// Chooses the backend of a server that starts, and finds the one that a running generation was given to: a change of
/// configuration moves servers at their next start and strands none.
/// </summary>
internal sealed class ServerBackends(IEnumerable<IServerBackend> backends, SiloHosts silos, IOptions<HostingOptions> options)
{
    private readonly Dictionary<string, IServerBackend> all = backends.ToDictionary(backend => backend.Name, StringComparer.Ordinal);

    /// <exception cref="ServerStartException">This installation has no backend for the server; the message says what to set.</exception>
    public IServerBackend For(ServerManifest manifest)
    {
        var name = NameFor(manifest.Runtime, options.Value.Backend);
        return all.TryGetValue(name, out var backend)
            ? backend
            : throw new ServerStartException($"Obot:Hosting:Backend is '{name}', which this build does not have: set it to one of {string.Join(", ", all.Keys)}");
    }

    /// <param name="configured">Empty: packages as processes, containers in Docker.</param>
    /// <exception cref="ServerStartException">The configured backend cannot run it.</exception>
    internal static string NameFor(string runtime, string configured) => (runtime, configured) switch
    {
        // a server that lives elsewhere, or is made of others, has a guard and nothing else, and shares that
        (Runtimes.Remote or Runtimes.Composite, _) => BackendNames.Pool,
        (Runtimes.Containerized, "") => BackendNames.Docker,
        (_, "") => BackendNames.Process,
        (Runtimes.Containerized, BackendNames.Process) => throw new ServerStartException(
            "Obot:Hosting:Backend is 'process', which runs no containers: leave it out, or set it to 'docker' or 'kubernetes'"),
        _ => configured,
    };

    public async Task StopAsync(McpInstanceId instance, long generation, Deployment? deployment, string? startedOn, CancellationToken cancellationToken)
    {
        if (deployment is not null)
        {
            if (all.TryGetValue(deployment.Backend, out var owner) && owner.MayLive(deployment.Host))
            {
                await owner.StopAsync(instance, generation, deployment.Host, cancellationToken);
            }

            return;
        }

        // a start of which nobody heard the end: it may have got anywhere
        foreach (var backend in startedOn is null ? [] : all.Values.Where(backend => backend.MayLive(startedOn)))
        {
            await backend.StopAsync(instance, generation, startedOn!, cancellationToken);
        }
    }

    public async Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken)
    {
        foreach (var backend in all.Values)
        {
            await backend.RemoveAsync(instance, cancellationToken);
        }
    }

    public Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken) =>
        all.TryGetValue(deployment.Backend, out var backend)
            ? backend.ProbeAsync(instance, deployment, cancellationToken)
            : Task.FromResult<string?>($"this silo has no backend '{deployment.Backend}'");

    public bool RunsTwo(Deployment deployment) => all.TryGetValue(deployment.Backend, out var backend) && backend.RunsTwo;

    public bool MayLive(Deployment deployment) => !all.TryGetValue(deployment.Backend, out var backend) || backend.MayLive(deployment.Host);

    /// <summary>Is the silo alive that was starting a generation?</summary>
    public bool StarterMayLive(string host) => silos.MayLive(host);

    /// <summary>Null when this build has none of that name.</summary>
    public IServerBackend? Find(string name) => all.GetValueOrDefault(name);
}
