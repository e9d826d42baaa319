using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Gateway.Limits;

/// <summary>
/// Requests a second of each user over all servers and silos. Every silo spends a share that it leases from the user's grain and renews in
/// the background; only the first request after a pause waits for one. Without the grain the last share is good for a minute more, then a
/// tenth of the limit.
/// </summary>
internal sealed partial class UserRates(IGrainFactory grains, IOptions<LimitOptions> limits, TimeProvider time, ILogger<UserRates> logger)
{
    private const int MaxUsers = 100_000;
    private const double WithoutLease = 0.1;
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    private readonly string silo = Guid.CreateVersion7().ToString("N");
    private readonly ConcurrentDictionary<string, UserRate> users = new(StringComparer.Ordinal);

    /// <returns>Null when the request may go on; otherwise when to come back.</returns>
    public ValueTask<TimeSpan?> TakeAsync(string userId)
    {
        if (limits.Value.RequestsPerSecondPerUser <= 0)
        {
            return default;
        }

        var now = time.GetTimestamp();
        var user = Find(userId, now);
        Task? first = null;
        lock (user)
        {
            var isOver = user.RenewedAt is not { } renewedAt || time.GetElapsedTime(renewedAt, now) > user.Lifetime;
            if (user.Renewing is null && (user.TriedAt == 0 || time.GetElapsedTime(user.TriedAt, now) >= RenewEvery))
            {
                user.Renewing = RenewAsync(userId, user, user.TakeDemand(now, time));
                user.TriedAt = now;
            }

            if (!isOver || user.Renewing is null)
            {
                return new(user.Take(now, time));
            }

            first = user.Renewing;
        }

        return new(TakeAfterAsync(first, user));
    }

    private async Task<TimeSpan?> TakeAfterAsync(Task renewing, UserRate user)
    {
        await renewing;
        lock (user)
        {
            return user.Take(time.GetTimestamp(), time);
        }
    }

    private async Task RenewAsync(string userId, UserRate user, double demand)
    {
        await Task.Yield();
        RateLease? lease = null;
        try
        {
            using var limit = new CancellationTokenSource(Patience, time);
            lease = await grains.GetGrain<IRateLeaseGrain>(userId).Renew(silo, demand, limit.Token).WaitAsync(Patience, time);
        }
        catch (Exception e) when (e is OrleansException or TimeoutException or OperationCanceledException)
        {
            LogNoLease(e.Message);
        }

        lock (user)
        {
            var now = time.GetTimestamp();
            if (lease is not null)
            {
                user.Renew(lease.PerSecond, lease.Lifetime, now);
            }
            else if (user.RenewedAt is not { } renewedAt || time.GetElapsedTime(renewedAt, now) > Grace)
            {
                user.SetShare(Math.Max(1, limits.Value.RequestsPerSecondPerUser * WithoutLease));
            }

            user.Renewing = null;
        }
    }

    private UserRate Find(string userId, long now)
    {
        if (users.TryGetValue(userId, out var known))
        {
            return known;
        }

        if (users.Count >= MaxUsers)
        {
            foreach (var (id, user) in users)
            {
                if (time.GetElapsedTime(user.UsedAt, now) > Grace)
                {
                    users.TryRemove(id, out _);
                }
            }

            if (users.Count >= MaxUsers)
            {
                users.Clear();
            }
        }

        return users.GetOrAdd(userId, static (_, at) => new(at), now);
    }

    [LoggerMessage(LogLevel.Warning, "A user's rate lease could not be renewed, the last share goes on for a minute: {Fault}")]
    private partial void LogNoLease(string fault);
}
