using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>Conversations over two silos, a scripted model and real MCP servers, by the API.</summary>
public sealed class ConversationTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Message_IsAnswered_AndSeenOnTheOtherSilo_AsItComes()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var thread = await rig.ThreadAsync();
        await rig.SayAsync(thread, "words 40 20");
        var events = await rig.WatchAsync(thread, IsEnd, silo: 1, cancellationToken: Cancellation);
        Assert.Equal("snapshot", events[0]["type"]!.GetValue<string>());
        Assert.True(events.Count(item => item["type"]!.GetValue<string>() == "delta") >= 5, $"{events.Count} events");
        var answer = await rig.AnswerAsync(thread, silo: 1);
        Assert.Equal(string.Concat(Enumerable.Range(1, 40).Select(number => $"w{number} ")), ChatRig.Text(answer));
        Assert.Equal("Complete", answer["status"]!.GetValue<string>());
        Assert.True(answer["usage"]!["inputTokens"]!.GetValue<long>() > 0);
        Assert.Equal("words 40 20", (await ReadAsync($"/api/threads/{thread}"))["title"]!.GetValue<string>());

        // what was heard, applied in order, is what is written
        Assert.Equal(ChatRig.Text(answer), Heard(events, answer["id"]!.GetValue<string>()));
    }

    [Fact]
    public async Task LateWatcher_GoesOnFromItsOffset_AndGetsASnapshotWithoutOne()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var thread = await rig.ThreadAsync();
        await rig.SayAsync(thread, "words 60 20");
        var first = await rig.WatchAsync(thread, item => item["type"]!.GetValue<string>() == "delta", cancellationToken: Cancellation);
        var rest = await rig.WatchAsync(thread, IsEnd, first[^1]["offset"]!.GetValue<long>(), silo: 1, cancellationToken: Cancellation);
        Assert.NotEqual("snapshot", rest[0]["type"]!.GetValue<string>());
        var answer = await rig.AnswerAsync(thread);
        Assert.Equal(ChatRig.Text(answer), Heard([.. first, .. rest], answer["id"]!.GetValue<string>()));
        var late = await rig.WatchAsync(thread, _ => true, cancellationToken: Cancellation);
        Assert.Equal(ChatRig.Text(answer), ChatRig.Text(late[0]["messages"]!.AsArray()[^1]!.AsObject()));
    }

    [Fact]
    public async Task ToolCall_WaitsForItsPerson_RunsOnce_AndIsAudited()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat tools"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool echo {\"message\":\"from the chat\"}");
        var waiting = await rig.AnswerAsync(thread, message => ChatRig.Calls(message) is [var call] && call["status"]!.GetValue<string>() == "NeedsApproval");
        await Eventually.ReadAsync($"thread {thread}", "waiting", TimeSpan.FromSeconds(10), () => ReadAsync($"/api/threads/{thread}"), view => view["run"]!.GetValue<string>() == "Waiting");
        using (var busy = await Cluster.SendAsync(HttpMethod.Post, $"/api/threads/{thread}/messages", new { text = "meanwhile" }))
        {
            Assert.Equal(HttpStatusCode.Conflict, busy.StatusCode);
        }

        await rig.PostAsync($"/api/threads/{thread}/tool-calls/{ChatRig.Calls(waiting)[0]["id"]!.GetValue<string>()}", new { decision = "AlwaysAllow" }, silo: 1);
        var answer = await rig.AnswerAsync(thread);
        Assert.Equal(("Succeeded", "echo"), (ChatRig.Calls(answer)[0]["status"]!.GetValue<string>(), ChatRig.Calls(answer)[0]["tool"]!.GetValue<string>()));
        Assert.Contains("from the chat", ChatRig.Text(answer), StringComparison.Ordinal);

        // from now on it is not asked for in this project
        await rig.SayAsync(thread, "tool echo {\"message\":\"again\"}");
        Assert.Contains("again", ChatRig.Text(await rig.AnswerAsync(thread)), StringComparison.Ordinal);
        var records = await Eventually.ReadAsync("audit log", "searchable", TimeSpan.FromSeconds(10), () => ReadAsync($"/api/mcp-audit-logs?mcpServerID={server.Id}&method=tools/call&limit=10"), page => page["items"]!.AsArray().Count >= 2);
        Assert.All(records["items"]!.AsArray(), record => Assert.Equal("obot-chat", record!["clientName"]!.GetValue<string>()));
    }

    [Fact]
    public async Task ToolCall_Denied_IsToldToTheModel_AndAnUnknownToolFails()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat denies"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool pid {}");
        var waiting = await rig.AnswerAsync(thread, message => ChatRig.Calls(message) is [var call] && call["status"]!.GetValue<string>() == "NeedsApproval");
        await rig.PostAsync($"/api/threads/{thread}/tool-calls/{ChatRig.Calls(waiting)[0]["id"]!.GetValue<string>()}", new { decision = "Deny" });
        Assert.Contains("did not allow", ChatRig.Text(await rig.AnswerAsync(thread)), StringComparison.Ordinal);
        await rig.SayAsync(thread, "tool nowhere {}");
        var answer = await rig.AnswerAsync(thread, message => ChatRig.IsDone(message) && ChatRig.Calls(message).Exists(call => call["tool"]!.GetValue<string>() == "nowhere"));
        Assert.Equal("Failed", ChatRig.Calls(answer)[0]["status"]!.GetValue<string>());
    }

    [Fact]
    public async Task Stop_EditAndRegenerate_MakeBranches_ThatCanBeShown()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var thread = await rig.ThreadAsync();
        var said = await rig.SayAsync(thread, "words 500 50");
        await rig.WatchAsync(thread, item => item["type"]!.GetValue<string>() == "delta", cancellationToken: Cancellation);
        await rig.PostAsync($"/api/threads/{thread}/stop", new { }, silo: 1);
        Assert.Equal("Stopped", (await rig.AnswerAsync(thread))["status"]!.GetValue<string>());

        await rig.PostAsync($"/api/threads/{thread}/messages/{said["id"]!.GetValue<string>()}/edit", new { text = "hello" });
        var edited = await rig.AnswerAsync(thread);
        Assert.Equal("You said: hello", ChatRig.Text(edited));
        Assert.Equal(2, (await rig.MessagesAsync(thread))[0]["siblings"]!.AsArray().Count);

        await rig.PostAsync($"/api/threads/{thread}/messages/{edited["id"]!.GetValue<string>()}/regenerate", new { model = $"{rig.Provider}/other" });
        var again = await rig.AnswerAsync(thread, message => ChatRig.IsDone(message) && message["id"]!.GetValue<string>() != edited["id"]!.GetValue<string>());
        Assert.Equal($"{rig.Provider}/other", again["model"]!.GetValue<string>());
        Assert.Equal(2, again["siblings"]!.AsArray().Count);

        await rig.PostAsync($"/api/threads/{thread}/messages/{said["id"]!.GetValue<string>()}/show", new { });
        Assert.Equal(["words 500 50"], (await rig.MessagesAsync(thread)).Where(message => message["role"]!.GetValue<string>() == "User").Select(ChatRig.Text));
    }

    [Fact]
    public async Task Elicitation_IsAskedAndAnswered_AndAWrongAnswerIsRefused()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat asks"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool test_elicitation {\"message\":\"Who are you?\"}");
        var waiting = await rig.AnswerAsync(thread, message => ChatRig.Calls(message) is [_]);
        await rig.PostAsync($"/api/threads/{thread}/tool-calls/{ChatRig.Calls(waiting)[0]["id"]!.GetValue<string>()}", new { decision = "Allow" });
        var asked = await rig.AnswerAsync(thread, message => Question(message) is not null);
        var question = Question(asked)!;
        Assert.Equal("form", question["kind"]!.GetValue<string>());
        var path = $"/api/threads/{thread}/questions/{question["id"]!.GetValue<string>()}";
        using (var wrong = await Cluster.SendAsync(HttpMethod.Post, path, new { action = "accept", content = new { } }))
        {
            Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        }

        var names = JsonNode.Parse(question["schema"]!.GetValue<string>())!["properties"]!.AsObject().Select(property => property.Key);
        await rig.PostAsync(path, new { action = "accept", content = names.ToDictionary(name => name, _ => "ann@example.com") }, silo: 1);
        var answer = await rig.AnswerAsync(thread);
        Assert.Contains("ann@example.com", ChatRig.Text(answer), StringComparison.Ordinal);
        Assert.Equal("accept", Question(answer)!["outcome"]!.GetValue<string>());
    }

    [Fact]
    public async Task Failures_SayWhatToDo()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var thread = await rig.ThreadAsync("ms1nowhere");
        await rig.SayAsync(thread, "fail 400");
        var failed = await rig.AnswerAsync(thread);
        Assert.Equal("Failed", failed["status"]!.GetValue<string>());
        Assert.Contains("scripted fail 400", failed["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Contains("no such server", failed["parts"]![0]!["text"]!.GetValue<string>(), StringComparison.Ordinal);
        using var empty = await Cluster.SendAsync(HttpMethod.Post, $"/api/threads/{thread}/messages", new { text = " " });
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
        using var other = await Cluster.SendAsync(HttpMethod.Get, "/api/threads/cv1nothing/messages");
        Assert.Equal(HttpStatusCode.NotFound, other.StatusCode);
    }

    private static JsonObject? Question(JsonObject message) => message["parts"]!.AsArray().FirstOrDefault(part => part!["type"]!.GetValue<string>() == "question")?.AsObject();

    private static bool IsEnd(JsonObject item) => item["type"]!.GetValue<string>() == "conversation" && item["conversation"]!["run"]!.GetValue<string>() == "Idle";

    /// <summary>The text of a message as somebody has it who applies events in order.</summary>
    private static string Heard(List<JsonObject> events, string messageId)
    {
        var text = "";
        foreach (var item in events)
        {
            text = item["type"]!.GetValue<string>() switch
            {
                "snapshot" => item["messages"]!.AsArray().Where(message => message!["id"]!.GetValue<string>() == messageId).Select(message => ChatRig.Text(message!.AsObject())).FirstOrDefault(""),
                "message" when item["message"]!["id"]!.GetValue<string>() == messageId => ChatRig.Text(item["message"]!.AsObject()),
                "part" when item["messageId"]!.GetValue<string>() == messageId && item["part"]!["type"]!.GetValue<string>() == "text" => item["part"]!["text"]!.GetValue<string>(),
                "delta" when item["messageId"]!.GetValue<string>() == messageId => text + item["text"]!.GetValue<string>(),
                _ => text,
            };
        }

        return text;
    }

    private async Task<JsonObject> ReadAsync(string path)
    {
        using var response = await Cluster.SendAsync(HttpMethod.Get, path);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
    }
}
