using System.Collections.Concurrent;
using Obot.Grains.Abstractions.Hosting;
using Obot.Shim.Contracts;

namespace Obot.Grains.Hosting.Docker;

/// <summary>
/// Packages of <c>npx</c> servers, each in a volume of its own: fetched by a run that has no server's secrets, then read-only for the servers,
/// so that none of them changes what another one runs. <c>uvx</c> fetches by itself and has a volume an instance.
/// </summary>
internal sealed class PackageInstalls(DockerDaemon daemon, DockerNames names, DockerVolumes volumes, DockerNetworks networks, DockerContainers containers, BootDocuments boots, TimeProvider time)
{
    /// <summary>After so long an installer runs again, and takes a newer version where the manifest leaves it open.</summary>
    private static readonly TimeSpan MaxAge = TimeSpan.FromHours(24);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<string, DateTimeOffset> installed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> installing = new(StringComparer.Ordinal);

    /// <returns>The volume to mount, and whether it is to be mounted read-only.</returns>
    public async Task<(string Volume, bool ReadOnly)> EnsureAsync(ServerStart start, ContainerRequests requests, string image, Action<string> progress, CancellationToken cancellationToken)
    {
        if (start.Manifest.Runtime != Runtimes.Npx)
        {
            var own = $"{names.Instance(start.Instance)}-{DockerNames.Packages}";
            await daemon.Client.Volumes.CreateAsync(new() { Name = own, Labels = names.Labels(start.Instance, 0, DockerNames.Packages) }, cancellationToken);
            return (own, false);
        }

        var package = start.Manifest.NpxConfig!.Package;
        var volume = names.PackageVolume(package, ServerEnvironment.Of(start, folder: "").Environment.Where(pair => ServerEnvironment.ConfiguresNpm(pair.Key)));
        var gate = installing.GetOrAdd(volume, static _ => new(1));
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (!installed.TryGetValue(volume, out var at) || time.GetUtcNow() - at > MaxAge)
            {
                await volumes.EnsurePackagesAsync(volume, cancellationToken);
                progress($"installing {package}");
                await InstallAsync(start, requests, image, volume, cancellationToken);
                installed[volume] = time.GetUtcNow();
            }
        }
        finally
        {
            gate.Release();
        }

        return (volume, true);
    }

    private async Task InstallAsync(ServerStart start, ContainerRequests requests, string image, string volume, CancellationToken cancellationToken)
    {
        var network = await networks.CreateAsync(start.Instance, start.Generation, isInternal: false, cancellationToken);
        var id = await containers.CreateAsync(requests.Installer(start, image, volume, network), cancellationToken);
        try
        {
            await containers.StartAsync(id, DockerNames.Installer, boots.Installer(start), ShimJson.Default.BridgeBoot, cancellationToken);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(start.Manifest.StartupTimeoutSeconds + 5));
            while (await containers.InspectAsync(id, limit.Token) is { State.Running: true })
            {
                await Task.Delay(Poll, limit.Token);
            }

            var ended = await containers.InspectAsync(id, cancellationToken);
            if (ended is null or { State.ExitCode: not 0 })
            {
                throw new ServerStartException(await containers.FaultAsync(id, DockerNames.Installer, cancellationToken) ?? "the installer was removed");
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ServerStartException($"'{start.Manifest.NpxConfig!.Package}' was not installed within {start.Manifest.StartupTimeoutSeconds} s");
        }
        finally
        {
            await containers.RemoveAsync(id, CancellationToken.None);
            await networks.RemoveAsync(start.Instance, start.Generation, CancellationToken.None);
        }
    }
}
