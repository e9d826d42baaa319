using Docker.DotNet;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>What a server wrote: from its container while that exists.</summary>
internal sealed class DockerLogs(DockerDaemon daemon, DockerContainers containers, RememberedLogs remembered)
{
    private const int Kept = 1000;

    public IAsyncEnumerable<ServerLogLine> ReadAsync(McpInstanceId instance, bool follow, CancellationToken cancellationToken) =>
        remembered.ReadAsync(instance, token => NewestAsync(instance, follow, token), follow, cancellationToken);

    private async Task<LivingOutput?> NewestAsync(McpInstanceId instance, bool follow, CancellationToken cancellationToken)
    {
        try
        {
            var newest = daemon.MayExist
                ? (await containers.ListAsync(instance, cancellationToken)).Where(container => container.Role == DockerNames.Server).MaxBy(container => container.Generation)
                : null;
            return newest is null ? null : new(newest.Generation, ContainerOutput.ReadAsync(daemon.Client, newest.Id, Kept, follow, cancellationToken));
        }
        catch (Exception e) when (e is DockerApiException or HttpRequestException or IOException or TimeoutException)
        {
            return null;
        }
    }
}
