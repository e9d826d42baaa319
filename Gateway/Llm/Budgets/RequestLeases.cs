using System.Collections.Concurrent;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Budgets;

/// <summary>
/// Requests a minute: this silo spends what it was leased of the current minute, and asks for more when that is used up. What the grain
/// hands out never exceeds the limit.
/// </summary>
internal sealed class RequestLeases(IGrainFactory grains, TimeProvider time)
{
    private const int MaxKeys = 100_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Share> shares = new(StringComparer.Ordinal);

    /// <returns>Null when the request may go on; otherwise when the next minute begins.</returns>
    public async ValueTask<DateTimeOffset?> TakeAsync(LlmBudgetScope scope, CancellationToken cancellationToken)
    {
        if (scope.Terms.RequestsPerMinute is not { } limit)
        {
            return null;
        }

        if (shares.Count >= MaxKeys)
        {
            shares.Clear();
        }

        var share = shares.GetOrAdd(scope.Key, static _ => new());
        if (share.TryTake(time.GetUtcNow()))
        {
            return null;
        }

        await share.Asking.WaitAsync(cancellationToken);
        try
        {
            var now = time.GetUtcNow();
            if (share.TryTake(now))
            {
                return null;
            }

            if (share.IsUsedUp(now))
            {
                return share.ResetsAt;
            }

            var lease = await grains.GetGrain<IBudgetGrain>(scope.Key).Lease(scope.Terms, Math.Max(1, limit / 10), cancellationToken).WaitAsync(Patience, time, cancellationToken);
            share.Fill(lease);
            return share.TryTake(time.GetUtcNow()) ? null : lease.ResetsAt;
        }
        finally
        {
            share.Asking.Release();
        }
    }

    private sealed class Share
    {
        private readonly Lock access = new();
        private int left;
        private bool refused;

        public SemaphoreSlim Asking { get; } = new(1, 1);

        public DateTimeOffset ResetsAt { get; private set; }

        public bool TryTake(DateTimeOffset now)
        {
            lock (access)
            {
                if (left == 0 || now >= ResetsAt)
                {
                    return false;
                }

                left--;
                return true;
            }
        }

        /// <summary>The grain had nothing left in this minute: there is no need to ask it again.</summary>
        public bool IsUsedUp(DateTimeOffset now)
        {
            lock (access)
            {
                return refused && now < ResetsAt;
            }
        }

        public void Fill(RequestLease lease)
        {
            lock (access)
            {
                (left, refused, ResetsAt) = (lease.Requests, lease.Requests == 0, lease.ResetsAt);
            }
        }
    }
}
