using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting.Process;

namespace Obot.Grains.Hosting;

/// <summary>A server that runs, and what it writes; lines without text are marks of the backend.</summary>
internal sealed record LivingOutput(long Generation, IAsyncEnumerable<OutputLine> Lines);

/// <summary>What a server wrote, for backends whose servers outlive their silo: the living one's own lines, and what silos kept of lives that are over and of starts under way.</summary>
internal sealed class RememberedLogs(RecentLogs recent, SiloHosts silos, IGrainFactory grains)
{
    private const int Kept = 1000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(1);

    /// <param name="instance">Whose lines.</param>
    /// <param name="newest">The youngest server that runs, if any.</param>
    /// <param name="follow">Goes on until cancelled, from one life to the next.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async IAsyncEnumerable<ServerLogLine> ReadAsync(McpInstanceId instance, Func<CancellationToken, Task<LivingOutput?>> newest, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var shown = 0L;
        var last = DateTimeOffset.MinValue;
        while (true)
        {
            foreach (var line in (await KeptAsync(instance, cancellationToken)).Where(line => line.At > last && line.Generation > shown).OrderBy(line => line.At))
            {
                last = line.At;
                yield return line;
            }

            if (await newest(cancellationToken) is { } living && living.Generation > shown)
            {
                // its own lines are the backend's from here on
                shown = living.Generation;
                await foreach (var line in living.Lines.WithCancellation(cancellationToken))
                {
                    if (line.Text is { } text)
                    {
                        last = line.At;
                        yield return new(line.At, shown, text);
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

    /// <summary>Of all silos: an instance may have had its last lives on any of them.</summary>
    private async Task<IReadOnlyList<ServerLogLine>> KeptAsync(McpInstanceId instance, CancellationToken cancellationToken) =>
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
