using System.Runtime.CompilerServices;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Grains.Conversations;

/// <summary>
/// Watches a conversation from any silo: asks its grain for what came behind the last offset, again and again. When the grain's silo dies, the
/// next question wakes the grain elsewhere; its offsets are new there, so the answer is a snapshot.
/// </summary>
internal sealed class ConversationWatch(IGrainFactory grains, TimeProvider time)
{
    /// <summary>Below the cluster's response time-out.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250);

    /// <summary>How long somebody may go on to watch whose access was taken away.</summary>
    private static readonly TimeSpan AskAgain = TimeSpan.FromSeconds(15);

    public async IAsyncEnumerable<ConversationEvent> WatchAsync(
        string id, long after, Func<CancellationToken, Task<ConversationView?>> find, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (await find(cancellationToken) is not { CanWrite: var canWrite })
        {
            yield break;
        }

        for (var asked = time.GetTimestamp(); !cancellationToken.IsCancellationRequested;)
        {
            if (time.GetElapsedTime(asked) > AskAgain)
            {
                if (await TryAsync(async () => await find(cancellationToken) is { } still ? still.CanWrite : (bool?)null, canWrite) is not { } may)
                {
                    yield break;
                }

                (canWrite, asked) = (may, time.GetTimestamp());
            }

            var events = await TryAsync<IReadOnlyList<ConversationEvent>?>(async () => await grains.GetGrain<IConversationGrain>(id).Next(after, Patience), null);
            if (events is null)
            {
                await Task.Delay(Pause, time, cancellationToken);
                continue;
            }

            foreach (var item in events)
            {
                after = item.Offset;
                yield return item switch
                {
                    ConversationSnapshot snapshot => snapshot with { Conversation = snapshot.Conversation with { CanWrite = canWrite } },
                    ConversationChanged changed => changed with { Conversation = changed.Conversation with { CanWrite = canWrite } },
                    _ => item,
                };
                if (item is ConversationRemoved)
                {
                    yield break;
                }
            }
        }
    }

    /// <summary>A silo or the database that is away for a moment ends no watching.</summary>
    private static async Task<T> TryAsync<T>(Func<Task<T>> act, T otherwise)
    {
        try
        {
            return await act();
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return otherwise;
        }
    }
}
