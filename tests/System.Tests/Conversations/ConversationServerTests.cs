using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>What servers ask of people, show them, and how many tools they have.</summary>
public sealed class ConversationServerTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Page_OfATool_IsReadFromItsServer_AsWhoeverLooks()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat pages"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool clock {}");
        var call = await rig.AllowAsync(thread);
        Assert.Equal("ui://clock/page", ChatRig.Calls(await rig.AnswerAsync(thread))[0]["appUri"]!.GetValue<string>());
        var page = await rig.GetAsync($"/api/threads/{thread}/tool-calls/{call}/app");
        Assert.Equal("<!doctype html><title>Clock</title><p>12:00", page["html"]!.GetValue<string>());
        Assert.Equal(["https://time.example.com"], page["connectDomains"]!.AsArray().Select(domain => domain!.GetValue<string>()));
        Assert.True(page["prefersBorder"]!.GetValue<bool>());

        var stranger = await People.AddAsync(Cluster, "Basic");
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/api/threads/{thread}/tool-calls/{call}/app", stranger.Key));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync($"/api/threads/{thread}/tool-calls/tc1nothing/app", Cluster.Token));
    }

    [Fact]
    public async Task Page_ThatIsNotThere_IsAClearError()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat lost pages"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool clock_lost {}");
        var call = await rig.AllowAsync(thread);
        await rig.AnswerAsync(thread);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync($"/api/threads/{thread}/tool-calls/{call}/app", Cluster.Token));
    }

    [Fact]
    public async Task Question_NamesItsServer_AndIsClosedWhenTheRunIsStopped()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat asks in vain"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool test_elicitation {\"message\":\"Who are you?\"}");
        await rig.AllowAsync(thread);
        var question = Question(await rig.AnswerAsync(thread, message => Question(message) is not null))!;
        Assert.Equal("chat asks in vain", question["serverName"]!.GetValue<string>());
        await rig.PostAsync($"/api/threads/{thread}/stop", new { }, silo: 1);
        var stopped = await rig.AnswerAsync(thread);
        Assert.Equal(("Stopped", "cancel"), (stopped["status"]!.GetValue<string>(), Question(stopped)!["outcome"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("decline")]
    [InlineData("accept")]
    public async Task Sampling_UsesTheModel_OnlyWithConsent(string action)
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var server = await MakeAsync(await Manifests.StdioFixtureAsync("chat samples"));
        var thread = await rig.ThreadAsync(server.Id);
        await rig.SayAsync(thread, "tool test_sampling {\"prompt\":\"marmalade\"}");
        await rig.AllowAsync(thread);
        var question = Question(await rig.AnswerAsync(thread, message => Question(message) is not null))!;
        Assert.Equal("sampling", question["kind"]!.GetValue<string>());
        Assert.Contains("marmalade", question["message"]!.GetValue<string>(), StringComparison.Ordinal);
        var before = rig.Agent.Asked.Count;
        await rig.PostAsync($"/api/threads/{thread}/questions/{question["id"]!.GetValue<string>()}", new { action });
        var answer = await rig.AnswerAsync(thread);
        Assert.Equal(action == "accept" ? "Succeeded" : "Failed", ChatRig.Calls(answer)[0]["status"]!.GetValue<string>());
        Assert.Equal(before + (action == "accept" ? 2 : 1), rig.Agent.Asked.Count);
    }

    [Fact]
    public async Task ManyTools_AreSearchedAndCalled_InsteadOfTold()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var first = await MakeAsync(await Manifests.StdioFixtureAsync("chat many one"));
        var second = await MakeAsync(await Manifests.StdioFixtureAsync("chat many two"));
        var thread = await rig.ThreadAsync(first.Id, second.Id);
        await rig.SayAsync(thread, "tool search_tools {\"query\":\"echo\"}");
        var searched = await rig.AnswerAsync(thread);
        Assert.Equal(["list_files", "read_file", "write_file", "search_tools", "call_tool"], rig.Agent.Asked.Last()["tools"]!.AsArray().Select(tool => tool!["function"]!["name"]!.GetValue<string>()));
        var found = JsonNode.Parse(JsonNode.Parse(ChatRig.Calls(searched)[0]["result"]!.GetValue<string>())![0]!["text"]!.GetValue<string>())!.AsArray();
        var name = found.Select(tool => tool!["name"]!.GetValue<string>()).First(tool => tool.EndsWith("echo", StringComparison.Ordinal));
        var saved = searched["usage"]!["savedTokens"]!.GetValue<long>();
        Output.WriteLine($"two servers: {saved} tokens saved over {rig.Agent.Asked.Count} model calls");
        Assert.True(saved > 1000, $"{saved}");

        await rig.SayAsync(thread, $"tool call_tool {{\"name\":\"{name}\",\"arguments\":{{\"message\":\"by search\"}}}}");
        await rig.AllowAsync(thread);
        var answer = await rig.AnswerAsync(thread, message => ChatRig.IsDone(message) && ChatRig.Text(message).Contains("by search", StringComparison.Ordinal));
        Assert.Equal("echo", ChatRig.Calls(answer)[0]["tool"]!.GetValue<string>());
    }

    private static JsonObject? Question(JsonObject message) => message["parts"]!.AsArray().FirstOrDefault(part => part!["type"]!.GetValue<string>() == "question")?.AsObject();

    private async Task<HttpStatusCode> StatusAsync(string path, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Cluster.Urls[1], path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var response = await Cluster.Http.SendAsync(request);
        return response.StatusCode;
    }
}
