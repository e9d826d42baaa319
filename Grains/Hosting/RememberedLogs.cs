using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Process;

namespace Obot.Grains.Hosting;

/// <summary>What silos kept of lives that are over and of starts under way, for backends whose servers outlive their silo.</summary>
internal sealed class RememberedLogs(RecentLogs recent, SiloHosts silos, IGrainFactory grains)
{
    private const int Kept = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Of all silos: an instance may have had its last lives on any of them.</summary>
    public async Task<IReadOnlyList<ServerLogLine>> ReadAsync(McpInstanceId instance, CancellationToken cancellationToken) =>
        [.. (await Task.WhenAll(silos.Active.Select(host => OfAsync(host, instance, cancellationToken)))).SelectMany(lines => lines).Distinct().TakeLast(Kept)];

    private async Task<List<ServerLogLine>> OfAsync(string host, McpInstanceId instance, CancellationToken cancellationToken)
    {
        var lines = new List<ServerLogLine>();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Patience);
        try
        {
            var source = silos.IsOwn(host) ? recent.Read(instance, follow: false, limit.Token) : grains.GetGrain<IProcessHostGrain>(host).Logs(instance.ToString(), follow: false, limit.Token);
            await foreach (var line in source.WithCancellation(limit.Token))
            {
                lines.Add(line);
            }
        }
        catch (Exception e) when (e is OrleansException or TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // a silo that is leaving takes its memory along
        }

        return lines;
    }
}
