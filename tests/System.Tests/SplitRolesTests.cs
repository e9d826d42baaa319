using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Obot.SystemTests.Conversations;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests;

/// <summary>A front-end silo without grains, and one that holds them and serves nobody.</summary>
public sealed class SplitRolesTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Roles_OnSilosOfTheirOwn_ServeCallsAndConversations()
    {
        await using var cluster = await ObotCluster.StartSplitAsync("gateway,chat", "grains");
        var server = await cluster.CreateServerAsync(await Manifests.StdioFixtureAsync("split"));
        using var client = cluster.Connect(server);
        var answer = await client.ToolAsync("echo", new JsonObject { ["size"] = 10 }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("xxxxxxxxxx", answer.Text);

        // what runs is below the silo with the grains; what listens for guards is the other one
        var pids = cluster.SiloPids();
        var details = await cluster.DetailsAsync(server.Id);
        Assert.All(details.Processes!, process => Assert.Contains(process.Pid, Proc.Descendants(pids[1]!.Value)));
        Assert.Empty(Proc.Descendants(pids[0]!.Value));
        await Eventually.ReadAsync(
            "the call",
            "in the audit log",
            Limit,
            async () => (await cluster.Http.GetFromJsonAsync<JsonObject>($"/api/mcp-audit-logs?mcpServerID={server.Id}&identifier=echo"))!["items"]!.AsArray().Count,
            count => count == 1);

        // the guard knows who may call from the front end's control listener
        var stranger = await People.AddAsync(cluster, "Basic");
        using var theirs = new McpHttp(cluster.Endpoint(server), stranger.Key);
        Assert.NotEqual(200, (await theirs.ToolAsync("echo", new JsonObject { ["size"] = 10 }, cancellationToken: TestContext.Current.CancellationToken)).Status);

        using (var closed = await cluster.SendAsync(HttpMethod.Get, "/api/mcp-servers", silo: 1))
        {
            Assert.Equal(HttpStatusCode.NotFound, closed.StatusCode);
        }

        await using var chat = await ChatRig.StartAsync(cluster);
        var thread = await chat.ThreadAsync(server.Id);
        await chat.SayAsync(thread, "tool echo {\"size\":10}");
        await chat.AllowAsync(thread);
        Assert.Contains("xxxxxxxxxx", (await chat.AnswerAsync(thread)).ToJsonString(), StringComparison.Ordinal);
        output.WriteLine($"front end {pids[0]}, grains {pids[1]}: {details.Processes!.Count} processes of the server below the latter");
    }
}
