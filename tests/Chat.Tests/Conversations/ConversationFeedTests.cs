using System.Runtime.CompilerServices;
using Microsoft.Extensions.Time.Testing;
using NSubstitute;
using Obot.Chat.Conversations;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Tests.Conversations;

public sealed class ConversationFeedTests
{
    private static readonly Principal Caller = new("u1", Role.Basic, "s1", []);

    [Fact]
    public async Task Stream_ThatBreaks_GoesOnBehindTheLastWord()
    {
        var port = Substitute.For<IConversations>();
        List<long> asked = [];
        port.Watch(Caller, "c1", Arg.Any<long>(), Arg.Any<CancellationToken>()).Returns(call => Words(asked, call.ArgAt<long>(2), call.ArgAt<CancellationToken>(3)));
        var time = new FakeTimeProvider();
        using var done = new CancellationTokenSource();
        List<string> heard = [];
        var all = new TaskCompletionSource();
        var running = new ConversationFeed(port, time).RunAsync(Caller, "c1", events =>
        {
            heard.AddRange(events is null ? ["(lost)"] : events.Cast<TextAppended>().Select(happened => happened.Text));
            if (string.Concat(heard.Where(word => word != "(lost)")) == "one two three four ")
            {
                all.TrySetResult();
            }

            return Task.CompletedTask;
        }, done.Token);
        while (!all.Task.IsCompleted)
        {
            time.Advance(ConversationFeed.Pace);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        Assert.Equal([0, 2], asked.Take(2));
        Assert.Contains("(lost)", heard);
        await done.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
    }

    private static async IAsyncEnumerable<ConversationEvent> Words(List<long> asked, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        asked.Add(after);
        string[] words = ["one ", "two ", "three ", "four "];
        for (var offset = after + 1; offset <= words.Length; offset++)
        {
            yield return new TextAppended("a", "p", words[offset - 1]) { Offset = offset };
            if (offset % 2 == 0)
            {
                throw new IOException("the silo is gone");
            }
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
