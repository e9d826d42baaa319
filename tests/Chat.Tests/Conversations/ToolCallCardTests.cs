using Bunit;
using Microsoft.AspNetCore.Components;
using NSubstitute;
using Obot.Chat.Conversations;
using Obot.Chat.Conversations.Questions;
using Obot.Chat.Conversations.ToolCalls;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Tests.Conversations;

public sealed class ToolCallCardTests : BunitContext
{
    private static readonly Principal Caller = new("u1", Role.Basic, "s1", []);
    private readonly IConversations conversations = Substitute.For<IConversations>();

    [Theory]
    [InlineData("Allow once", ToolDecision.Allow)]
    [InlineData("Always in this project", ToolDecision.AlwaysAllow)]
    [InlineData("Deny", ToolDecision.Deny)]
    [InlineData("Never", ToolDecision.NeverAllow)]
    public async Task Call_ThatWaits_IsDecidedByItsPerson(string button, ToolDecision decision)
    {
        var card = Card(Call(ToolCallStatus.NeedsApproval));
        await card.FindAll("button").Single(one => one.TextContent == button).ClickAsync(new());

        await conversations.Received(1).Decide(Caller, "c1", "t1", decision, Arg.Any<CancellationToken>());
    }

    [Fact]
    public void Call_OfSomebodyElse_OffersNoDecision() => Assert.Empty(Card(Call(ToolCallStatus.NeedsApproval), canWrite: false).FindAll("button"));

    [Fact]
    public void Call_WithUnknownOutcome_SaysSoBeforeItIsMadeAgain()
    {
        var card = Card(Call(ToolCallStatus.Unknown));

        Assert.Contains("Nobody knows whether it took effect", card.Markup, StringComparison.Ordinal);
        Assert.Equal(["Call it again", "Leave it"], card.FindAll("button").Select(button => button.TextContent));
    }

    [Fact]
    public void Call_WithHostileWords_ShowsThemAsText()
    {
        var card = Card(Call(ToolCallStatus.Failed) with { ServerName = "<img src=x onerror=alert(1)>", Arguments = """{"a":"</pre><script>alert(1)</script>"}""", Error = "<script>alert(2)</script>" });

        Assert.Empty(card.FindAll("script, img"));
        Assert.Contains("</pre><script>alert(1)</script>", card.Find("pre").TextContent, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://bank.example:8443/pay?x=1", "bank.example:8443")]
    [InlineData("https://bank.example@evil.example/", null)]
    [InlineData("javascript:alert(1)", null)]
    [InlineData("http://localhost/oauth/mcp/connect/ms1", null)]
    public void Page_ThatAServerAsksToOpen_ShowsItsHost(string url, string? host)
    {
        var links = Card(Call(ToolCallStatus.Failed) with { OpenUrl = url }).FindAll("a[target=_blank]");

        Assert.Equal(host is null ? [] : [$"Open {host}"], links.Select(link => link.TextContent).Where(text => text.StartsWith("Open ", StringComparison.Ordinal)));
        Assert.All(links, link => Assert.True(host is not null || link.GetAttribute("href") == "/oauth/mcp/connect/ms1", link.OuterHtml));
    }

    [Theory]
    [InlineData(ToolCallStatus.Succeeded, true)]
    [InlineData(ToolCallStatus.Failed, true)]
    [InlineData(ToolCallStatus.Running, false)]
    [InlineData(ToolCallStatus.NeedsApproval, false)]
    public void Page_OfATool_IsOfferedOnceThereIsAResult_AndShownOnlyWhenAsked(ToolCallStatus status, bool offered)
    {
        JSInterop.Mode = JSRuntimeMode.Loose;
        var card = Card(Call(status) with { AppUri = "ui://clock/page", Result = "[]" }, canWrite: false);
        Assert.Empty(card.FindAll("iframe"));
        Assert.Equal(offered, card.FindAll(".tool-app button").Count == 1);
    }

    [Fact]
    public async Task Question_OfAServer_IsAnsweredWithTheForm()
    {
        var card = With<QuestionCard>(parameters => parameters.Add(one => one.CanWrite, true).Add(one => one.Question, new QuestionPart
        {
            Id = "q1", Kind = "form", ServerName = "tickets", Message = "Which?", Schema = """{"properties":{"id":{"type":"integer"}},"required":["id"]}""",
        }));
        await card.Find("input").InputAsync("7");
        await card.Find("form").SubmitAsync();

        await conversations.Received(1).Answer(Caller, "c1", "q1", Arg.Is<QuestionAnswer>(answer => answer.Action == "accept" && answer.Content == """{"id":7}"""), Arg.Any<CancellationToken>());
    }

    [Fact]
    public async Task Sampling_IsAskedForAndCanBeDeclined()
    {
        var card = With<QuestionCard>(parameters => parameters.Add(one => one.CanWrite, true).Add(one => one.Question, new QuestionPart { Id = "q1", Kind = "sampling", ServerName = "notes", Message = "Summarize" }));
        await card.FindAll("button").Single(button => button.TextContent == "Decline").ClickAsync(new());

        await conversations.Received(1).Answer(Caller, "c1", "q1", new QuestionAnswer("decline"), Arg.Any<CancellationToken>());
    }

    private static ToolCallPart Call(ToolCallStatus status) => new() { Id = "t1", ServerId = "ms1", ServerName = "everything", Tool = "echo", Arguments = "{}", Status = status };

    private IRenderedComponent<ToolCallCard> Card(ToolCallPart call, bool canWrite = true) => With<ToolCallCard>(parameters => parameters.Add(card => card.Call, call).Add(card => card.CanWrite, canWrite));

    private IRenderedComponent<T> With<T>(Action<ComponentParameterCollectionBuilder<T>> parameters)
        where T : IComponent => Render<T>(all =>
        {
            all.AddCascadingValue(new OpenConversation(conversations, Caller, "c1", TimeProvider.System));
            parameters(all);
        });
}
