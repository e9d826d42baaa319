using System.Threading.Channels;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Conversations;

/// <summary>
/// The events of one conversation for an open page, several at a time: at once after silence, then at most every <see cref="Pace"/>. Where the
/// stream ends, because a silo died, it goes on behind the last event that was delivered.
/// </summary>
internal sealed class ConversationFeed(IConversations conversations, TimeProvider time)
{
    public static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(80);
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(500);

    /// <param name="deliver">Takes what happened, and null once the connection is lost. Not called twice at a time.</param>
    public async Task RunAsync(Principal caller, string id, Func<IReadOnlyList<ConversationEvent>?, Task> deliver, CancellationToken cancellationToken)
    {
        long offset = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            var events = Channel.CreateBounded<ConversationEvent>(new BoundedChannelOptions(2000) { SingleReader = true, SingleWriter = true });
            using var round = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var pump = PumpAsync(caller, id, offset, events.Writer, round.Token);
            try
            {
                while (await events.Reader.WaitToReadAsync(cancellationToken))
                {
                    List<ConversationEvent> batch = [];
                    while (events.Reader.TryRead(out var happened))
                    {
                        batch.Add(happened);
                    }

                    await deliver([.. ConversationState.Coalesce(batch)]);
                    offset = batch[^1].Offset;
                    if (batch[^1] is ConversationRemoved)
                    {
                        return;
                    }

                    await Task.Delay(Pace, time, cancellationToken);
                }
            }
            finally
            {
                await round.CancelAsync();
                await pump;
            }

            await deliver(null);
            await Task.Delay(Again, time, cancellationToken);
        }
    }

    private async Task PumpAsync(Principal caller, string id, long after, ChannelWriter<ConversationEvent> writer, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var happened in conversations.Watch(caller, id, after, cancellationToken))
            {
                await writer.WriteAsync(happened, cancellationToken);
            }
        }
        catch (Exception)
        {
            // whatever it was, the next round tells: it begins where this one ended
        }
        finally
        {
            writer.TryComplete();
        }
    }
}
