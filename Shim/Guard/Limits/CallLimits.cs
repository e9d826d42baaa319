using System.Collections.Concurrent;
using System.Globalization;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Limits;

/// <summary>
/// Requests a second and at a time, of each user and of all, exact: every call of this instance passes here. Notifications and answers
/// to the server do not count: refusing them would break the conversation that they belong to. Neither do idle streams count as in hand.
/// </summary>
internal sealed class CallLimits(GuardLimits limits, TimeProvider time)
{
    public const int MaxUsers = 10_000;

    private readonly bool isOff = limits is { RequestsPerSecondPerUser: <= 0, ConcurrentCallsPerUser: <= 0, RequestsPerSecond: <= 0, ConcurrentCalls: <= 0 };
    private readonly CallerLoad all = new();
    private readonly CallerLoad others = new();
    private readonly ConcurrentDictionary<string, CallerLoad> users = new(StringComparer.Ordinal);

    /// <summary>Users that are remembered.</summary>
    public int Users => users.Count;

    /// <summary>Refuses the call, or counts it until <see cref="Leave"/>.</summary>
    public Task EnterAsync(GuardCall call)
    {
        if (isOff || call.Envelope.Kind is not EnvelopeKind.Request)
        {
            return Task.CompletedTask;
        }

        var excess = TryEnter(call.Caller!.UserId, call.Envelope.Method is McpMethods.Listen, out var load);
        if (excess is null)
        {
            call.Load = load;
            return Task.CompletedTask;
        }

        call.Context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(excess.Value.Wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return call.RefuseAsync(StatusCodes.Status429TooManyRequests, McpErrorCodes.Refused, excess.Value.Message);
    }

    public void Leave(GuardCall call)
    {
        if (call.Load is { } load)
        {
            call.Load = null;
            Leave(load);
        }
    }

    /// <summary>Null when the request may go on; what is in hand is given back by <see cref="Leave(CallerLoad)"/>.</summary>
    /// <param name="user">Id of the user.</param>
    /// <param name="isStream">Takes from the rate only.</param>
    /// <param name="load">What has to be given back; null when nothing has.</param>
    public (string Message, TimeSpan Wait)? TryEnter(string user, bool isStream, out CallerLoad? load)
    {
        load = null;
        var now = time.GetTimestamp();
        var own = Find(user, now);
        if (!isStream)
        {
            while (!own.TryEnter(limits.ConcurrentCallsPerUser))
            {
                if (!own.IsClosed)
                {
                    return ($"you have {limits.ConcurrentCallsPerUser} requests to this server in hand, which is the limit: wait for one of them", TimeSpan.FromSeconds(1));
                }

                own = Find(user, now);
            }

            if (!all.TryEnter(limits.ConcurrentCalls))
            {
                own.Leave();
                return ($"this server has {limits.ConcurrentCalls} requests in hand, which is the limit: try again in a moment", TimeSpan.FromSeconds(1));
            }
        }

        var excess = Take(own, limits.RequestsPerSecondPerUser, now, "you may make {0} requests a second to this server")
            ?? Take(all, limits.RequestsPerSecond, now, "this server takes {0} requests a second");
        if (excess is not null && !isStream)
        {
            all.Leave();
            own.Leave();
        }

        load = excess is null && !isStream ? own : null;
        return excess;
    }

    public void Leave(CallerLoad load)
    {
        all.Leave();
        load.Leave();
    }

    private (string Message, TimeSpan Wait)? Take(CallerLoad load, int perSecond, long now, string message) =>
        perSecond <= 0 || load.Rate.TryTake(now, perSecond, time.TimestampFrequency, out var wait)
            ? null
            : (string.Format(CultureInfo.InvariantCulture, message, perSecond), time.GetElapsedTime(0, wait));

    /// <summary>When the table is full of users who are busy, the rest share one load: they are limited too early, never too late.</summary>
    private CallerLoad Find(string user, long now)
    {
        while (true)
        {
            if (users.TryGetValue(user, out var known))
            {
                if (!known.IsClosed)
                {
                    return known;
                }

                users.TryRemove(new(user, known));
            }

            if (users.Count >= MaxUsers && Forget(now) == 0)
            {
                return others;
            }

            users.TryAdd(user, new());
        }
    }

    private int Forget(long now)
    {
        var forgotten = 0;
        foreach (var pair in users)
        {
            if (pair.Value.TryClose(now) && users.TryRemove(pair))
            {
                forgotten++;
            }
        }

        return forgotten;
    }
}
