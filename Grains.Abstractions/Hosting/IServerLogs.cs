namespace Obot.Grains.Abstractions.Hosting;

/// <summary>Port: what the processes of an instance wrote to stderr, wherever in the cluster they run.</summary>
public interface IServerLogs
{
    /// <summary>
    /// The last lines (1,000 at most), oldest first; with <paramref name="follow"/> also every later one, over restarts, until
    /// <paramref name="cancellationToken"/> ends it. An instance that never ran has none.
    /// </summary>
    IAsyncEnumerable<ServerLogLine> Read(McpInstanceId instance, bool follow, CancellationToken cancellationToken);
}
