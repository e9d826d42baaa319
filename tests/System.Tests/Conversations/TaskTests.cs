using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>Tasks over two silos.</summary>
public sealed class TaskTests(SharedCluster shared, ITestOutputHelper output) : SharedClusterTest(shared, output)
{
    [Fact]
    public async Task Task_OnDemand_RunsWithItsParameters_AndTellsHowItWent()
    {
        await using var rig = await ChatRig.StartAsync(Cluster);
        var task = await rig.PostAsync("/api/tasks", new { name = "Greeting", prompt = "say Hello {{who}}, from {{from}}", model = rig.Model, parameters = new object[] { new { name = "who" }, new { name = "from", @default = "the platform" } } });
        var id = task["id"]!.GetValue<string>();
        using (var open = await Cluster.SendAsync(HttpMethod.Post, $"/api/tasks/{id}/run", new { }))
        {
            Assert.Equal((HttpStatusCode.BadRequest, "parameters.who"), (open.StatusCode, JsonNode.Parse(await open.Content.ReadAsStringAsync())!["field"]!.GetValue<string>()));
        }

        var run = await rig.PostAsync($"/api/tasks/{id}/run", new { who = "Ann" }, silo: 1);
        Assert.Equal("Hello Ann, from the platform", ChatRig.Text(await rig.AnswerAsync(run["conversationId"]!.GetValue<string>())));
        var failing = await rig.PostAsync("/api/tasks", new { name = "Failing", prompt = "fail 400", model = rig.Model });
        await rig.PostAsync($"/api/tasks/{failing["id"]!.GetValue<string>()}/run", new { });
        Assert.Equal("Succeeded", (await EndedAsync(rig, id))["status"]!.GetValue<string>());
        var failed = await EndedAsync(rig, failing["id"]!.GetValue<string>());
        Assert.Equal("Failed", failed["status"]!.GetValue<string>());
        Assert.Contains("scripted fail 400", failed["error"]!.GetValue<string>(), StringComparison.Ordinal);
        foreach (var one in new[] { id, failing["id"]!.GetValue<string>() })
        {
            using var gone = await Cluster.SendAsync(HttpMethod.Delete, $"/api/tasks/{one}");
            Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        }
    }

    [Theory]
    [InlineData("schedule", "every day")]
    [InlineData("timeZone", "Mars/Olympus")]
    [InlineData("notifyUrl", "ftp://x")]
    [InlineData("prompt", "")]
    public async Task Task_WithAWrongField_IsRefusedByName(string field, string value)
    {
        using var refused = await Cluster.SendAsync(HttpMethod.Post, "/api/tasks", new Dictionary<string, object>(StringComparer.Ordinal) { ["name"] = "x", ["prompt"] = "say x", [field] = value });
        Assert.Equal((HttpStatusCode.BadRequest, field), (refused.StatusCode, JsonNode.Parse(await refused.Content.ReadAsStringAsync())!["field"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Schedule_OfManyTasksOnTheSameMinute_RunsEachOnce()
    {
        var count = Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is null ? 50 : 1000;
        await using var rig = await ChatRig.StartAsync(Cluster);
        var ids = new List<string>();
        var due = TimeProvider.System.GetUtcNow().UtcDateTime.AddMinutes(count > 100 ? 4 : 1).AddSeconds(10);
        for (var number = 0; number < count; number++)
        {
            ids.Add((await rig.PostAsync("/api/tasks", new { name = $"Tick {number}", prompt = "say tick", model = rig.Model, schedule = $"{due.Minute} {due.Hour} * * *" }, silo: number % 2))["id"]!.GetValue<string>());
        }

        var at = new DateTime(due.Year, due.Month, due.Day, due.Hour, due.Minute, 0, DateTimeKind.Utc);
        Assert.True(TimeProvider.System.GetUtcNow().UtcDateTime < at, "making the tasks took longer than was left");
        await Task.Delay(at - TimeProvider.System.GetUtcNow().UtcDateTime, TestContext.Current.CancellationToken);
        var clock = Stopwatch.StartNew();
        var late = new List<double>();
        foreach (var id in ids)
        {
            var run = await EndedAsync(rig, id, seconds: 180);
            Assert.Equal("Succeeded", run["status"]!.GetValue<string>());
            late.Add((run["startedAt"]!.GetValue<DateTime>().ToUniversalTime() - at).TotalSeconds);
        }

        Output.WriteLine($"{count} tasks on one minute over two silos: begun {late.Min():0.0}–{late.Max():0.0} s after it, all ended after {clock.Elapsed.TotalSeconds:0.0} s; runs a task: 1");
        foreach (var id in ids)
        {
            Assert.Single((await rig.GetAsync($"/api/tasks/{id}/runs"))["items"]!.AsArray());
            using var gone = await Cluster.SendAsync(HttpMethod.Delete, $"/api/tasks/{id}");
        }
    }

    private static async Task<JsonNode> EndedAsync(ChatRig rig, string id, int seconds = 60) => (await Eventually.ReadAsync(
        $"task {id}", "ended", TimeSpan.FromSeconds(seconds), () => rig.GetAsync($"/api/tasks/{id}/runs"),
        page => page["items"]!.AsArray() is [{ } run, ..] && run["status"]!.GetValue<string>() is "Succeeded" or "Failed" or "Stopped"))["items"]![0]!;
}
