namespace Obot.Grains.Abstractions.Hosting;

/// <summary>Port: what a server wrote to its standard error, wherever in the cluster it runs.</summary>
public interface IServerLogs
{
    /// <summary>The last lines (1,000 at most) of the instance; with <paramref name="follow"/> also every later one.</summary>
    IAsyncEnumerable<ServerLogLine> Read(McpInstanceId instance, bool follow, CancellationToken cancellationToken);
}
