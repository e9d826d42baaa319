using System.Runtime.CompilerServices;
using Docker.DotNet;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>
/// What a server wrote: from its container while that exists, and what silos kept of lives that are over and of starts under way.
/// </summary>
internal sealed class DockerLogs(DockerDaemon daemon, DockerContainers containers, RememberedLogs remembered)
{
    private const int Kept = 1000;
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    public async IAsyncEnumerable<ServerLogLine> ReadAsync(McpInstanceId instance, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shown = 0L;
        var last = DateTimeOffset.MinValue;
        while (true)
        {
            foreach (var line in (await remembered.ReadAsync(instance, cancellationToken)).Where(line => line.At > last && line.Generation > shown).OrderBy(line => line.At))
            {
                last = line.At;
                yield return line;
            }

            if (await NewestAsync(instance, cancellationToken) is { } server && server.Generation > shown)
            {
                // its own lines are the container's from here on
                shown = server.Generation;
                await foreach (var line in ContainerOutput.ReadAsync(daemon.Client, server.Id, Kept, follow, cancellationToken))
                {
                    if (line.Text is { } text)
                    {
                        last = line.At;
                        yield return new(line.At, server.Generation, text);
                    }
                }
            }

            if (!follow)
            {
                yield break;
            }

            await Task.Delay(AskAgain, cancellationToken);
        }
    }

    private async Task<OurContainer?> NewestAsync(McpInstanceId instance, CancellationToken cancellationToken)
    {
        try
        {
            return daemon.MayExist
                ? (await containers.ListAsync(instance, cancellationToken)).Where(container => container.Role == DockerNames.Server).MaxBy(container => container.Generation)
                : null;
        }
        catch (Exception e) when (e is DockerApiException or HttpRequestException or IOException or TimeoutException)
        {
            return null;
        }
    }
}
