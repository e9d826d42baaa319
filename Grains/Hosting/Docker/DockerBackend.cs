using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Containers of one Engine, which outlive the silo that started them: any silo may ask about and end any of them.</summary>
internal sealed class DockerBackend(
    DockerDaemon daemon, DockerStart starts, DockerContainers containers, DockerNetworks networks, DockerVolumes volumes, DockerLogs logs, IHttpClientFactory http) : IServerBackend
{
    internal const string HttpClientName = "docker-guard-health";

    public string Name => BackendNames.Docker;

    public async Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken)
    {
        await daemon.CheckAsync(cancellationToken);
        await StopAsync(start.Instance, start.Generation - 1, daemon.Host, cancellationToken);
        try
        {
            return await starts.RunAsync(start, cancellationToken);
        }
        catch (Exception e)
        {
            await StopAsync(start.Instance, start.Generation, daemon.Host, CancellationToken.None);
            throw e is ServerStartException
                ? e
                : new ServerStartException($"could not be started: {(e is global::Docker.DotNet.DockerApiException api ? DockerContainers.Said(api) : e.Message)}");
        }
    }

    public async Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken)
    {
        if (!daemon.MayExist)
        {
            return;
        }

        var old = (await containers.ListAsync(instance, cancellationToken)).Where(container => container.Generation <= generation).ToList();
        await Task.WhenAll(old.Select(container => containers.EndAsync(container, cancellationToken)));
        await networks.RemoveAsync(instance, generation, cancellationToken);
        await volumes.RemoveFilesAsync(instance, generation, cancellationToken);
    }

    public async Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken)
    {
        if (daemon.MayExist && await daemon.FaultAsync(cancellationToken) is null)
        {
            await volumes.RemoveAsync(instance, cancellationToken);
        }
    }

    public async Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken)
    {
        string fault;
        try
        {
            using var client = http.CreateClient(HttpClientName);
            using var answer = await client.GetAsync(new Uri(deployment.GuardUrl + "/readyz"), cancellationToken);
            if (answer.IsSuccessStatusCode)
            {
                return null;
            }

            fault = $"its guard reports {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            fault = $"its guard does not answer: {e.Message}";
        }

        // the cause, where the Engine knows one
        if (await daemon.FaultAsync(cancellationToken) is { } down)
        {
            return down;
        }

        foreach (var process in deployment.Processes)
        {
            if (process.Container is { } container && await containers.FaultAsync(container, process.Role, cancellationToken) is { } cause)
            {
                return cause;
            }
        }

        return fault;
    }

    /// <summary>An Engine may come back with everything; whether it did is what a probe finds out.</summary>
    public bool MayLive(string host) => true;

    public async IAsyncEnumerable<ServerLogLine> ReadLogs(McpInstanceId instance, string? host, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var line in logs.ReadAsync(instance, follow, cancellationToken))
        {
            yield return line;
        }
    }
}
