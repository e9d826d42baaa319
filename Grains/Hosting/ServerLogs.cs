using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Asks the backend that ran the instance last.</summary>
internal sealed class ServerLogs(ServerBackends backends, IGrainFactory grains) : IServerLogs
{
    public async IAsyncEnumerable<ServerLogLine> Read(McpInstanceId instance, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var deployment = await grains.GetGrain<IMcpServerGrain>(instance.ToString()).GetDeployment();
        if (backends.Find(deployment.Backend ?? BackendNames.Process) is not { } backend)
        {
            yield break;
        }

        await foreach (var line in backend.ReadLogs(instance, deployment.Host, follow, cancellationToken))
        {
            yield return line;
        }
    }
}
