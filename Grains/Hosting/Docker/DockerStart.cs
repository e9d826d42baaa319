using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Grains.Hosting.Docker;

/// <summary>One generation on its way: images, network, server, guard, and the first answer.</summary>
internal sealed class DockerStart(
    DockerDaemon daemon,
    DockerNames names,
    DockerImages images,
    ShimImages shims,
    DockerNetworks networks,
    DockerVolumes volumes,
    DockerContainers containers,
    PackageInstalls packages,
    ControlAddresses control,
    BootDocuments boots,
    RecentLogs logs,
    IHttpClientFactory http,
    IOptions<HostingOptions> options)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private const int PollsBetweenInspections = 3;

    public async Task<Deployment> RunAsync(ServerStart start, CancellationToken cancellationToken)
    {
        var (instance, generation, manifest) = (start.Instance, start.Generation, start.Manifest);
        logs.Begin(instance, generation);
        void Tell(string said)
        {
            start.Progress(said);
            logs.Write(instance, generation, said);
        }

        var requests = new ContainerRequests(names, options.Value.Docker);
        var urls = control.ForContainers;
        var (publish, reach) = await daemon.PublishAsync(cancellationToken);
        var guardImage = await shims.GuardAsync(Tell, cancellationToken);
        var sealedOff = manifest.Runtime switch
        {
            Runtimes.Npx => manifest.NpxConfig!.DenyAllEgress,
            Runtimes.Uvx => manifest.UvxConfig!.DenyAllEgress,
            _ => manifest.ContainerizedConfig!.DenyAllEgress,
        } is true;

        string? image = null;
        string server;
        GuardUpstream upstream;
        ServerNetwork network;
        if (manifest.Runtime == Runtimes.Containerized)
        {
            var config = manifest.ContainerizedConfig!;
            var found = await images.EnsureAsync(config.Image, Tell, cancellationToken);
            image = DockerImages.DigestOf(config.Image, found);
            Tell($"starting {image}");
            network = await networks.CreateAsync(instance, generation, sealedOff, cancellationToken);
            var (environment, files) = ServerEnvironment.Of(start, ContainerRequests.FilesFolder);
            var user = requests.UserOf(found.Config?.User);
            var volume = files.Count > 0 ? await volumes.CreateFilesAsync(instance, generation, cancellationToken) : null;
            server = await containers.CreateAsync(requests.Server(start, found.ID, found.Config?.User, environment, volume, network), cancellationToken);
            await volumes.FillAsync(server, files, user, cancellationToken);
            await containers.StartAsync(server, DockerNames.Server, cancellationToken);
            var origin = string.Create(CultureInfo.InvariantCulture, $"http://{network.Server}:{config.Port ?? ContainerRequests.DefaultPort}");
            upstream = new()
            {
                Url = origin + Rooted(config.Path ?? ContainerRequests.DefaultPath),
                HealthUrl = config.HealthzPath is { Length: > 0 } health ? origin + Rooted(health) : null,
                Hosted = true,
            };
        }
        else
        {
            var runtime = await shims.RuntimeAsync(Tell, cancellationToken);
            var (package, readOnly) = await packages.EnsureAsync(start, requests, runtime, Tell, cancellationToken);
            Tell("starting the server");
            network = await networks.CreateAsync(instance, generation, sealedOff, cancellationToken);
            var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
            server = await containers.CreateAsync(requests.Bridge(start, runtime, package, readOnly, network), cancellationToken);
            await containers.StartAsync(server, DockerNames.Server, boots.BridgeInContainer(start, secret, ContainerRequests.BridgePort, readOnly), ShimJson.Default.BridgeBoot, cancellationToken);
            upstream = new() { Url = string.Create(CultureInfo.InvariantCulture, $"http://{network.Server}:{ContainerRequests.BridgePort}/mcp"), Secret = secret, Hosted = true };
        }

        var guard = await containers.CreateAsync(requests.Guard(start, guardImage, publish, network, ownWayOut: sealedOff), cancellationToken);
        if (sealedOff)
        {
            await daemon.Client.Networks.ConnectNetworkAsync(
                network.Name, new() { Container = guard, EndpointConfig = new() { IPAMConfig = new() { IPv4Address = network.Guard } } }, cancellationToken);
        }

        var boot = boots.Guard(start, string.Create(CultureInfo.InvariantCulture, $"0.0.0.0:{ContainerRequests.GuardPort}"), urls, upstream);
        await containers.StartAsync(guard, DockerNames.Guard, boot, ShimJson.Default.GuardBoot, cancellationToken);
        var url = await AwaitAsync(start, server, guard, reach, cancellationToken);
        return new()
        {
            Backend = BackendNames.Docker,
            Host = daemon.Host,
            GuardUrl = url,
            Image = image,
            Processes = [await ProcessAsync(DockerNames.Guard, guard, cancellationToken), await ProcessAsync(DockerNames.Server, server, cancellationToken)],
        };
    }

    private static string Rooted(string path) => path.StartsWith('/') ? path : "/" + path;

    private async Task<DeploymentProcess> ProcessAsync(string role, string id, CancellationToken cancellationToken)
    {
        var found = await containers.InspectAsync(id, cancellationToken) ?? throw new ServerStartException($"the container of its {role} is gone");
        return new(role, (int)(found.State?.Pid ?? 0)) { Container = found.Name.TrimStart('/') };
    }

    /// <summary>Until the guard says that the server answers; whichever container ends first says why not.</summary>
    private async Task<string> AwaitAsync(ServerStart start, string server, string guard, string reach, CancellationToken cancellationToken)
    {
        var seconds = start.Manifest.StartupTimeoutSeconds;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(seconds));
        using var client = http.CreateClient(DockerBackend.HttpClientName);
        var last = "its guard did not answer";
        var url = "";
        try
        {
            for (var poll = 0; ; poll++)
            {
                if (poll % PollsBetweenInspections == 0
                    && (await containers.FaultAsync(server, DockerNames.Server, limit.Token) ?? await containers.FaultAsync(guard, DockerNames.Guard, limit.Token)) is { } ended)
                {
                    throw new ServerStartException(ended);
                }

                url = url.Length > 0 ? url : await UrlAsync(guard, reach, limit.Token);
                if (await ReadyAsync(client, url, limit.Token) is not { } fault)
                {
                    return url;
                }

                last = fault;
                await Task.Delay(Poll, limit.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var said = await ContainerOutput.TailAsync(daemon.Client, server, 20, CancellationToken.None);
            throw new ServerStartException($"did not become ready within {seconds} s: {last}{ContainerEnd.LastWords(said)}");
        }
    }

    private async Task<string> UrlAsync(string guard, string reach, CancellationToken cancellationToken)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{ContainerRequests.GuardPort}/tcp");
        var found = await containers.InspectAsync(guard, cancellationToken);
        var port = found?.NetworkSettings?.Ports?.TryGetValue(key, out var bindings) is true ? bindings?.FirstOrDefault()?.HostPort : null;
        return port is null ? throw new ServerStartException("Docker did not publish the guard's port") : $"http://{(reach.Contains(':', StringComparison.Ordinal) ? $"[{reach}]" : reach)}:{port}";
    }

    private static async Task<string?> ReadyAsync(HttpClient client, string url, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetAsync(new Uri(url + "/readyz"), cancellationToken);
            return answer.IsSuccessStatusCode ? null : await answer.Content.ReadAsStringAsync(cancellationToken);
        }
        catch (HttpRequestException e)
        {
            return $"its guard cannot be reached at {url}: {e.Message}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"its guard did not answer at {url}";
        }
    }
}
