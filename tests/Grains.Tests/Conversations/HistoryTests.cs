using Microsoft.Extensions.AI;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Conversations;
using Obot.Grains.Conversations.Running;

namespace Obot.Grains.Tests.Conversations;

public sealed class HistoryTests
{
    [Fact]
    public void Answer_IsTold_StepByStep_EachCallWithItsResult()
    {
        var told = History.Of(MessageRole.Assistant, [
            new(1, new TextPart { Id = "a", Text = "Let me look." }),
            new(1, Call("c1", ToolCallStatus.Succeeded) with { Result = "found" }, "server__tool"),
            new(0, new NoticePart { Id = "n", Text = "for people" }),
            new(2, new TextPart { Id = "b", Text = "Here it is." }),
        ], 1000).ToList();
        Assert.Equal([ChatRole.Assistant, ChatRole.Tool, ChatRole.Assistant], told.Select(message => message.Role));
        var call = Assert.IsType<FunctionCallContent>(told[0].Contents[1]);
        Assert.Equal(("c1", "server__tool"), (call.CallId, call.Name));
        Assert.Equal(("c1", "found"), (Assert.IsType<FunctionResultContent>(told[1].Contents[0]).CallId, ((FunctionResultContent)told[1].Contents[0]).Result));
        Assert.DoesNotContain("for people", string.Concat(told.Select(message => message.Text)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ToolCallStatus.Denied, "did not allow")]
    [InlineData(ToolCallStatus.Cancelled, "stopped")]
    [InlineData(ToolCallStatus.Failed, "Error: broken")]
    public void Call_WithoutResult_HasWordsInstead_SoThatNoneIsUnanswered(ToolCallStatus status, string words) =>
        Assert.Contains(words, Result(Call("c1", status) with { Error = "broken" }, 1000), StringComparison.Ordinal);

    [Fact]
    public void Result_LongerThanTheModelIsTold_IsCut_AndSaysHowMuch()
    {
        var result = Result(Call("c1", ToolCallStatus.Succeeded) with { Result = new('x', 1500) }, 1000);
        Assert.StartsWith(new('x', 1000), result, StringComparison.Ordinal);
        Assert.Contains("500 more characters", result, StringComparison.Ordinal);
    }

    [Fact]
    public void Arguments_ThatAreNoJson_DoNotEndTheConversation() =>
        Assert.Equal("{oops", Assert.IsType<FunctionCallContent>(History.Of(MessageRole.Assistant, [new(1, Call("c1", ToolCallStatus.Failed) with { Arguments = "{oops" })], 100).First().Contents[0]).Arguments!["invalid"]);

    [Theory]
    [InlineData("  First line  \nsecond", "First line")]
    [InlineData("short", "short")]
    public void Title_IsTheFirstLine(string message, string title) => Assert.Equal(title, ConversationTitle.Of(message));

    [Fact]
    public void Title_OfALongLine_EndsAtAWord()
    {
        var title = ConversationTitle.Of("Please compare the quarterly figures of all subsidiaries in Europe and tell me which one grew");
        Assert.EndsWith("…", title, StringComparison.Ordinal);
        Assert.True(title.Length <= 61, title);
        Assert.StartsWith(title[..^1] + " ", "Please compare the quarterly figures of all subsidiaries in Europe and tell me which one grew", StringComparison.Ordinal);
    }

    [Fact]
    public void ToolNames_OfAnyServer_AreWhatModelsAllow_AndUnique()
    {
        var taken = new List<string>();
        foreach (var (server, tool) in new[] { ("Änderungen & Co.", "läse"), ("Änderungen & Co.", "läse"), (new string('s', 80), "tool"), (new string('s', 80), "tool"), ("s", new string('t', 200)), ("s", new string('t', 200)) })
        {
            taken.Add(OfferedTool.NameOf(server, tool, taken));
        }

        Assert.All(taken, name => Assert.Matches("^[A-Za-z0-9_-]{1,64}$", name));
        Assert.Equal(taken.Count, taken.Distinct(StringComparer.Ordinal).Count());
    }

    private static ToolCallPart Call(string id, ToolCallStatus status) => new() { Id = id, ServerName = "server", Tool = "tool", Arguments = "{}", Status = status };

    private static string Result(ToolCallPart call, int most) =>
        (string)Assert.IsType<FunctionResultContent>(History.Of(MessageRole.Assistant, [new(1, call, "tool")], most).Last().Contents[0]).Result!;
}
