using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>The last lines of every server that ran on this silo, also after its end.</summary>
internal sealed class RecentLogs(TimeProvider time)
{
    private const int Kept = 1000;
    private const int FollowerBacklog = 1000;
    private const int TailLines = 5;

    private readonly ConcurrentDictionary<McpInstanceId, Lines> instances = new();

    public void Begin(McpInstanceId instance, long generation) => instances.GetOrAdd(instance, _ => new()).Add(new(time.GetUtcNow(), generation, $"— generation {generation} —"));

    public void Write(McpInstanceId instance, long generation, string text) => instances.GetOrAdd(instance, _ => new()).Add(new(time.GetUtcNow(), generation, text));

    /// <param name="at">When it was written, where that is known better than here.</param>
    public void Write(McpInstanceId instance, long generation, string text, DateTimeOffset at) => instances.GetOrAdd(instance, _ => new()).Add(new(at, generation, text));

    /// <summary>The last lines of the generation that ran last, for a reason; empty when it said nothing.</summary>
    public string Tail(McpInstanceId instance)
    {
        var last = instances.TryGetValue(instance, out var lines) ? lines.Snapshot() : [];
        var said = last.Reverse().TakeWhile(line => !line.Text.StartsWith('—')).Take(TailLines).Reverse().Select(line => line.Text).ToList();
        return said.Count == 0 ? "" : $"; it last said: {string.Join(" · ", said)}";
    }

    public async IAsyncEnumerable<ServerLogLine> Read(McpInstanceId instance, bool follow, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var lines = instances.GetOrAdd(instance, _ => new());
        using var follower = follow ? lines.Follow() : null;
        foreach (var line in follower?.Backlog ?? lines.Snapshot())
        {
            yield return line;
        }

        if (follower is not null)
        {
            await foreach (var line in follower.Later.ReadAllAsync(cancellationToken))
            {
                yield return line;
            }
        }
    }

    private sealed class Lines
    {
        private readonly Lock gate = new();
        private readonly Queue<ServerLogLine> kept = new();
        private readonly List<ChannelWriter<ServerLogLine>> followers = [];

        public void Add(ServerLogLine line)
        {
            lock (gate)
            {
                kept.Enqueue(line);
                if (kept.Count > Kept)
                {
                    kept.Dequeue();
                }

                foreach (var follower in followers)
                {
                    follower.TryWrite(line);
                }
            }
        }

        public ServerLogLine[] Snapshot()
        {
            lock (gate)
            {
                return [.. kept];
            }
        }

        public Follower Follow()
        {
            // a reader that does not keep up loses the oldest lines, never holds the server
            var channel = Channel.CreateBounded<ServerLogLine>(new BoundedChannelOptions(FollowerBacklog) { FullMode = BoundedChannelFullMode.DropOldest });
            lock (gate)
            {
                followers.Add(channel.Writer);
                return new([.. kept], channel.Reader, () => Unfollow(channel.Writer));
            }
        }

        private void Unfollow(ChannelWriter<ServerLogLine> follower)
        {
            lock (gate)
            {
                followers.Remove(follower);
            }
        }
    }

    private sealed record Follower(ServerLogLine[] Backlog, ChannelReader<ServerLogLine> Later, Action End) : IDisposable
    {
        public void Dispose() => End();
    }
}
