using Microsoft.Extensions.Time.Testing;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Conversations;

namespace Obot.Grains.Tests.Conversations;

public sealed class ConversationFeedTests
{
    private readonly ConversationFeed _feed = new(epoch: 3);
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Watcher_AtAKnownOffset_GetsWhatCameBehindIt_InOrder()
    {
        _feed.Put(Running("m1"));
        var first = Assert.Single((await NextAsync(3L << 32))!);
        _feed.Append("m1", "p1", "one ");
        _feed.Append("m1", "p1", "two");
        var rest = await NextAsync(first.Offset);
        Assert.Equal(["one ", "two"], rest!.Cast<TextAppended>().Select(item => item.Text));
        Assert.Equal([first.Offset + 1, first.Offset + 2], rest!.Select(item => item.Offset));
    }

    [Fact]
    public async Task Watcher_OfALaterEvent_WaitsForIt_AndGetsNothingWhenPatienceEnds()
    {
        var waiting = NextAsync(3L << 32);
        Assert.False(waiting.IsCompleted);
        _feed.Put(Running("m1"));
        Assert.IsType<MessageChanged>(Assert.Single((await waiting)!));
        var idle = NextAsync((3L << 32) + 1);
        _time.Advance(TimeSpan.FromSeconds(3));
        Assert.Empty((await idle)!);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2L << 32)]
    [InlineData((2L << 32) + 77)]
    [InlineData(4L << 32)]
    public async Task Offset_OfAnotherActivation_NeedsASnapshot(long offset) => Assert.Null(await NextAsync(offset));

    [Fact]
    public async Task Watcher_TooFarBehind_NeedsASnapshot_AndMemoryStaysBounded()
    {
        _feed.Put(Running("m1"));
        for (var number = 0; number < 3000; number++)
        {
            _feed.Append("m1", "p1", "x");
        }

        Assert.Null(await NextAsync((3L << 32) + 1));
        Assert.Equal(100, (await NextAsync((3L << 32) + 2901))!.Count);
        Assert.Null(await NextAsync((3L << 32) + 2000));
    }

    [Fact]
    public async Task Results_OfMegabytes_PushOlderEventsOut()
    {
        for (var number = 0; number < 10; number++)
        {
            _feed.Put("m1", new ToolCallPart { Id = $"t{number}", ServerName = "s", Tool = "t", Arguments = "{}", Status = ToolCallStatus.Succeeded, Result = new('x', 100_000) });
        }

        Assert.Null(await NextAsync(3L << 32));
        Assert.InRange((await NextAsync((3L << 32) + 6))!.Count, 1, 5);
    }

    [Fact]
    public void Snapshot_HasTheWordsThatAreInNoRowYet()
    {
        _feed.Put(Running("m1"));
        _feed.Put("m1", new TextPart { Id = "p1", Text = "" });
        _feed.Append("m1", "p1", "so ");
        _feed.Append("m1", "p1", "far");
        var snapshot = _feed.Snapshot(_feed.Shape, Conversation(), [Running("m1")], hasEarlier: false);
        Assert.Equal("so far", Assert.IsType<TextPart>(Assert.Single(snapshot!.Messages[0].Parts)).Text);
        Assert.Equal((3L << 32) + 4, snapshot.Offset);
    }

    [Fact]
    public void Snapshot_OfRowsThatAreOlderThanAnEvent_IsReadAgain()
    {
        var before = _feed.Shape;
        _feed.Put(Conversation());
        Assert.Null(_feed.Snapshot(before, Conversation(), [], hasEarlier: false));
        Assert.NotNull(_feed.Snapshot(_feed.Shape, Conversation(), [], hasEarlier: false));
    }

    [Fact]
    public void ModelCall_MadeAnew_ReplacesItsPartialText()
    {
        _feed.Put(Running("m1"));
        _feed.Put("m1", new TextPart { Id = "p1", Text = "" });
        _feed.Append("m1", "p1", "broken");
        _feed.Put("m1", new TextPart { Id = "p1", Text = "" });
        _feed.Append("m1", "p1", "whole");
        var snapshot = _feed.Snapshot(_feed.Shape, Conversation(), [Running("m1")], hasEarlier: false);
        Assert.Equal("whole", Assert.IsType<TextPart>(Assert.Single(snapshot!.Messages[0].Parts)).Text);
    }

    private Task<IReadOnlyList<ConversationEvent>?> NextAsync(long after) => _feed.NextAsync(after, TimeSpan.FromSeconds(3), _time);

    private static MessageView Running(string id) => new() { Id = id, Role = MessageRole.Assistant, Parts = [], Status = MessageStatus.Running, Siblings = [id], CreatedAt = default };

    private static ConversationView Conversation() => new() { Id = "cv1", ProjectId = "pr1", OwnerId = "u1", Title = "", Run = RunStatus.Running, CreatedAt = default, UpdatedAt = default };
}
