using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Process;

/// <summary>Reads the lines on the silo that ran the instance last.</summary>
internal sealed class ServerLogs(ProcessLogs local, ILocalSiloDetails silo, IServerBackend backend, IGrainFactory grains) : IServerLogs
{
    public async IAsyncEnumerable<ServerLogLine> Read(McpInstanceId instance, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var host = (await grains.GetGrain<IMcpServerGrain>(instance.ToString()).GetDeployment()).Host;
        if (host is null || !backend.MayLive(host))
        {
            yield break;
        }

        var lines = host == silo.SiloAddress.ToParsableString()
            ? local.Read(instance, follow, cancellationToken)
            : grains.GetGrain<IProcessHostGrain>(host).Logs(instance.ToString(), follow, cancellationToken);
        await foreach (var line in lines.WithCancellation(cancellationToken))
        {
            yield return line;
        }
    }
}
