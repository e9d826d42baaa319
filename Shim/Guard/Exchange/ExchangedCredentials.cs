using System.Collections.Concurrent;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Exchange.Links;

namespace Obot.Shim.Guard.Exchange;

/// <summary>
/// Credentials of this instance's callers, in memory until shortly before they expire or the cluster says that they are not good any more.
/// Whoever asks at the same time shares one question.
/// </summary>
internal sealed class ExchangedCredentials(ExchangeClient client, TimeProvider time)
{
    private const int Capacity = 10_000;

    /// <summary>News may be lost with a control channel.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Entry> entries = new(StringComparer.Ordinal);
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Exchanged> FindAsync(Caller caller, string assertion, CancellationToken cancellationToken)
    {
        if (entries.TryGetValue(caller.UserId, out var entry))
        {
            if (entry.IsGood(time))
            {
                return entry.Answer.WaitAsync(cancellationToken);
            }

            var next = new Entry();
            return (entries.TryUpdate(caller.UserId, next, entry) ? Ask(caller.UserId, next, assertion, null, null) : Winner(caller.UserId, next, assertion)).WaitAsync(cancellationToken);
        }

        if (entries.Count >= Capacity)
        {
            entries.Clear();
        }

        return Winner(caller.UserId, new Entry(), assertion).WaitAsync(cancellationToken);
    }

    /// <summary>The server denied a call that carried <paramref name="deniedToken"/>: of many that were denied at once, one asks.</summary>
    public Task<Exchanged> AgainAsync(Caller caller, string assertion, UpstreamDenial denial, string? deniedToken, CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = new Entry();
            if (!entries.TryGetValue(caller.UserId, out var entry))
            {
                if (!entries.TryAdd(caller.UserId, next))
                {
                    continue;
                }
            }
            else if (!entry.Holds(deniedToken))
            {
                // somebody asked already, or is asking
                return entry.Answer.WaitAsync(cancellationToken);
            }
            else if (!entries.TryUpdate(caller.UserId, next, entry))
            {
                continue;
            }

            return Ask(caller.UserId, next, assertion, denial, deniedToken).WaitAsync(cancellationToken);
        }
    }

    /// <summary>Until the caller has credentials with another token than the one that was denied (<see cref="LinkState.HashOf"/>).</summary>
    /// <exception cref="OperationCanceledException">There were none in time.</exception>
    public async Task<Exchanged> WaitAsync(GuardCall call, ulong denied, CancellationToken cancellationToken)
    {
        while (true)
        {
            var news = Volatile.Read(ref changed).Task;
            var answer = await FindAsync(call.Caller!, call.Assertion, cancellationToken);
            if (answer.Refusal is null && (denied == 0 || LinkState.HashOf(answer.Credentials?.Token) != denied))
            {
                return answer;
            }

            await Task.WhenAny(news, Task.Delay(LookAgain, time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>What is being asked for right now is not kept either: its answer may be from before.</summary>
    public void Forget(IReadOnlyList<string>? users)
    {
        if (users is null)
        {
            entries.Clear();
        }

        foreach (var user in users ?? [])
        {
            entries.TryRemove(user, out _);
        }

        Interlocked.Exchange(ref changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }

    private Task<Exchanged> Winner(string userId, Entry mine, string assertion)
    {
        var winner = entries.GetOrAdd(userId, mine);
        return ReferenceEquals(winner, mine) ? Ask(userId, mine, assertion, null, null) : winner.Answer;
    }

    private async Task<Exchanged> Ask(string userId, Entry entry, string assertion, UpstreamDenial? denial, string? deniedToken)
    {
        try
        {
            // shared by all who wait: nobody's hanging up ends it
            var answer = await client.AskAsync(assertion, denial, deniedToken, CancellationToken.None);
            entry.End(answer, time);
            if (answer.GoodFor <= TimeSpan.Zero)
            {
                entries.TryRemove(new(userId, entry));
            }

            return answer;
        }
        catch (Exception e)
        {
            entries.TryRemove(new(userId, entry));
            entry.Fail(e);
            throw;
        }
    }

    private sealed class Entry
    {
        private readonly TaskCompletionSource<Exchanged> source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private long endedAt;

        public Task<Exchanged> Answer => source.Task;

        /// <summary>Still being asked for, or not expired.</summary>
        public bool IsGood(TimeProvider time) => !Answer.IsCompletedSuccessfully || time.GetElapsedTime(Volatile.Read(ref endedAt)) < Answer.Result.GoodFor;

        public bool Holds(string? token) => Answer.IsCompletedSuccessfully && string.Equals(Answer.Result.Credentials?.Token, token, StringComparison.Ordinal);

        public void End(Exchanged answer, TimeProvider time)
        {
            Volatile.Write(ref endedAt, time.GetTimestamp());
            source.TrySetResult(answer);
        }

        public void Fail(Exception exception) => source.TrySetException(exception);
    }
}
