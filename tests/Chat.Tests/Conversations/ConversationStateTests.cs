using Obot.Chat.Conversations;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Chat.Tests.Conversations;

public sealed class ConversationStateTests
{
    private readonly ConversationState state = new();

    [Fact]
    public void Words_ComingOneByOne_AreAppendedToTheirPart()
    {
        state.Apply(Snapshot(Message("u", null), Message("a", "u", Text("p", "Hel"))));
        foreach (var happened in ConversationState.Coalesce([new TextAppended("a", "p", "lo ") { Offset = 2 }, new TextAppended("a", "p", "you") { Offset = 3 }, new TextAppended("a", "q", "new") { Offset = 4 }]))
        {
            state.Apply(happened);
        }

        Assert.Equal(["Hello you", "new"], state.Messages[1].Parts.Cast<TextPart>().Select(part => part.Text));
        Assert.Equal(4, state.Offset);
    }

    [Fact]
    public void Coalesce_OfTheSamePart_IsOneEventWithTheLastOffset()
    {
        var one = Assert.IsType<TextAppended>(Assert.Single(ConversationState.Coalesce(Enumerable.Range(1, 50).Select(i => new TextAppended("a", "p", $"{i} ") { Offset = i }))));

        Assert.Equal(50, one.Offset);
        Assert.StartsWith("1 2 3 ", one.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_ThatDidNotChange_StayTheSameObjects()
    {
        state.Apply(Snapshot(Message("u", null), Message("a", "u", Text("p", "x"))));
        var before = state.Messages[0];
        state.Apply(new TextAppended("a", "p", "y") { Offset = 2 });

        Assert.Same(before, state.Messages[0]);
    }

    [Fact]
    public void Answer_ThatIsGivenAgain_TakesTheFirstOnesPlace()
    {
        state.Apply(Snapshot(Message("u", null), Message("a", "u"), Message("u2", "a"), Message("a2", "u2")));
        state.Apply(new MessageChanged(Message("b", "u")) { Offset = 2 });

        Assert.Equal(["u", "b"], state.Messages.Select(message => message.Id));
    }

    [Fact]
    public void Message_OfABranchThatIsNotInView_IsLeftOut()
    {
        state.Apply(Snapshot(Message("u", null), Message("a", "u")));
        state.Apply(new MessageChanged(Message("z", "elsewhere")) { Offset = 2 });

        Assert.Equal(["u", "a"], state.Messages.Select(message => message.Id));
    }

    [Fact]
    public void Snapshot_AfterALoss_ReplacesEverything()
    {
        state.Apply(Snapshot(Message("u", null), Message("a", "u")));
        state.Apply(Snapshot(Message("v", null)) with { Offset = 9 });

        Assert.Equal("v", Assert.Single(state.Messages).Id);
        Assert.Equal(9, state.Offset);
    }

    [Fact]
    public void Earlier_Messages_ComeInFrontOnce()
    {
        state.Apply(Snapshot(Message("c", "b")));
        state.ApplyEarlier([Message("a", null), Message("b", "a"), Message("c", "b")], hasMore: false);

        Assert.Equal(["a", "b", "c"], state.Messages.Select(message => message.Id));
    }

    internal static TextPart Text(string id, string text) => new() { Id = id, Text = text };

    internal static MessageView Message(string id, string? parent, params MessagePart[] parts) => new()
    {
        Id = id, ParentId = parent, Role = id[0] is 'u' ? MessageRole.User : MessageRole.Assistant, Parts = parts, Status = MessageStatus.Complete, Siblings = [id], CreatedAt = DateTimeOffset.UnixEpoch,
    };

    internal static ConversationSnapshot Snapshot(params MessageView[] messages) => new(Conversation(), messages, HasEarlier: false) { Offset = 1 };

    internal static ConversationView Conversation() => new()
    {
        Id = "c1", ProjectId = "p1", OwnerId = "u1", Title = "Title", Run = RunStatus.Idle, CreatedAt = DateTimeOffset.UnixEpoch, UpdatedAt = DateTimeOffset.UnixEpoch,
    };
}
