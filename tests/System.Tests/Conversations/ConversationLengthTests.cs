using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>Long conversations and their titles.</summary>
public sealed class ConversationLengthTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private const int Long = 95_000;

    [Fact]
    public async Task Conversation_LongerThanTheModelIsTold_IsSummarized_AndKeepsItsMessages()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var thread = await rig.ThreadAsync();
        for (var round = 1; round <= 3; round++)
        {
            await rig.SayAsync(thread, $"say {new string((char)('a' + round), Long)}");
            Assert.Equal(Long, ChatRig.Text(await rig.AnswerAsync(thread)).Length);
        }

        var answer = (await rig.MessagesAsync(thread))[^1];
        Assert.Contains("summary", answer["parts"]!.AsArray().Where(part => part!["type"]!.GetValue<string>() == "notice").Select(part => part!["text"]!.GetValue<string>()).FirstOrDefault(""), StringComparison.Ordinal);
        Assert.Equal(6, (await rig.MessagesAsync(thread)).Count);

        await rig.SayAsync(thread, "hello");
        await rig.AnswerAsync(thread);
        var told = rig.Agent.Asked.Last().ToJsonString().Length;
        Output.WriteLine($"{6 * Long} characters were said; the model is told {told}");
        Assert.Contains("SUMMARY of", rig.Agent.Asked.Last().ToJsonString(), StringComparison.Ordinal);
        Assert.InRange(told, 1, 400_000);
    }

    [Fact]
    public async Task Title_ByTheSmallModel_ReplacesTheFirstLine_ButNotAPersonsOwn()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        await rig.PostAsync("/api/default-model-aliases", new { alias = "llm-mini", model = $"{rig.Provider}/other" });
        rig.Adopt("/api/default-model-aliases/llm-mini");
        var thread = await rig.ThreadAsync();
        await rig.SayAsync(thread, "words 3 10");
        await Eventually.ReadAsync($"thread {thread}", "named", TimeSpan.FromSeconds(20), () => rig.GetAsync($"/api/threads/{thread}"), view => Title(view) == "SUMMARY of 2 messages");
        await rig.AnswerAsync(thread);

        var named = (await rig.PostAsync("/api/threads", new { model = rig.Model, title = "Mine" }))["id"]!.GetValue<string>();
        await rig.SayAsync(named, "words 3 10");
        await rig.AnswerAsync(named);
        Assert.Equal("Mine", Title(await rig.GetAsync($"/api/threads/{named}")));
    }

    private static string Title(JsonObject view) => view["title"]!.GetValue<string>();
}
