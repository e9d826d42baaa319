using System.Runtime.CompilerServices;
using k8s.Models;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Kubernetes;

/// <summary>Pods of one namespace, which outlive the silo that started them: any silo may ask about and end any of them.</summary>
internal sealed class KubernetesBackend(
    KubernetesConnection connection, KubernetesNames names, KubernetesObjects objects, KubernetesStart starts, PodCache pods, PodEnding ending, PodReasons reasons, KubernetesLogs logs, IHttpClientFactory http) : IServerBackend
{
    internal const string HttpClientName = "kubernetes-guard-health";

    public string Name => BackendNames.Kubernetes;

    /// <summary>Every generation has a Deployment, a Service and Secrets of its own.</summary>
    public bool RunsTwo => true;

    public async Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken)
    {
        try
        {
            if (!start.Beside)
            {
                await StopAsync(start.Instance, start.Generation - 1, connection.Host, cancellationToken);
            }

            return await starts.RunAsync(start, cancellationToken);
        }
        catch (Exception e)
        {
            var reason = e as ServerStartException ?? new($"could not be started: {e.Message}");
            try
            {
                await EndAsync(start.Instance, generation => start.Beside ? generation == start.Generation : generation <= start.Generation, CancellationToken.None);
            }
            catch (ServerStartException left)
            {
                throw new ServerStartException($"{reason.Message}; what there is of it could not be removed: {left.Message}");
            }

            throw reason;
        }
    }

    public Task StopAsync(McpInstanceId instance, long generation, string host, CancellationToken cancellationToken) =>
        connection.IsConfigured ? EndAsync(instance, found => found <= generation, cancellationToken) : Task.CompletedTask;

    /// <summary>Nothing of an instance outlives its generations: packages and records are in their pods.</summary>
    public Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<string?> ProbeAsync(McpInstanceId instance, Deployment deployment, CancellationToken cancellationToken)
    {
        using var client = http.CreateClient(HttpClientName);
        if (await PodReady.ReadyAsync(client, deployment.GuardUrl, cancellationToken) is not { } fault)
        {
            return null;
        }

        // the cause, where Kubernetes knows one
        var name = deployment.Processes.Count > 0 ? deployment.Processes[0].Container?.Split('/')[0] : null;
        if (pods.All.FirstOrDefault(pod => pod.Metadata.Name == name) is not { } found)
        {
            return pods.Fault is null ? "its pod is gone" : fault;
        }

        return PodFault.Of(found) is { } cause ? await reasons.OfAsync(found, cause, cancellationToken) : $"{fault}{await reasons.OfWaitingAsync(found, cancellationToken)}";
    }

    /// <summary>A cluster may come back with everything; whether it did is what a probe finds out.</summary>
    public bool MayLive(string host) => true;

    public async IAsyncEnumerable<ServerLogLine> ReadLogs(McpInstanceId instance, string? host, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var line in logs.ReadAsync(instance, follow, cancellationToken))
        {
            yield return line;
        }
    }

    private async Task EndAsync(McpInstanceId instance, Func<long, bool> which, CancellationToken cancellationToken)
    {
        var found = (await objects.DeploymentsAsync(names.Ours(instance), cancellationToken))
            .Where(deployment => names.Read(deployment.Metadata) is { } ours && ours.Instance == instance && which(ours.Generation)).ToList();
        await Task.WhenAll(found.Select(deployment => ending.EndAsync(deployment, cancellationToken)));
    }
}
