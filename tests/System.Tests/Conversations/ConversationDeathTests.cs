using System.Diagnostics;
using System.Text.Json.Nodes;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>Conversations whose silo dies, or whose database is away. Each on a cluster of its own.</summary>
[Collection(Alone.Name)]
public sealed class ConversationDeathTests(ITestOutputHelper output)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Silo_KilledInMidAnswer_AnswerArrivesWhole_AndItsToolRanOnce(int victim)
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        using var scratch = new Scratch("notes");
        var log = Path.Combine(scratch.Folder, "log");
        await using var fixture = await Fixture.StartAsync(stateless: true, log);
        await using var rig = await ChatRig.StartAsync(cluster);
        var server = await cluster.CreateServerAsync(Manifests.Remote("notes", fixture.Url));
        await AllowAsync(rig, server.Id, "slow");

        // several: which silo holds which is the cluster's business
        var survivor = 1 - victim;
        var threads = new List<string>();
        for (var number = 0; number < 6; number++)
        {
            var thread = await rig.ThreadAsync(server.Id);
            await rig.SayAsync(thread, $"tool slow {{\"delay\":10,\"tag\":\"t{number}\"}}\nwords 150 40", silo: number % 2);
            threads.Add(thread);
        }

        foreach (var thread in threads)
        {
            await rig.AnswerAsync(thread, message => ChatRig.Calls(message) is [var call] && call["status"]!.GetValue<string>() == "Succeeded", survivor);
        }

        var watching = threads.Select(thread => rig.WatchAsync(thread, item => item["type"]!.GetValue<string>() == "conversation" && item["conversation"]!["run"]!.GetValue<string>() == "Idle", silo: survivor, cancellationToken: Cancellation)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(1), Cancellation);
        var clock = Stopwatch.StartNew();
        Signals.Send(cluster.SiloPids()[victim]!.Value, Signal.Kill);
        var expected = string.Concat(Enumerable.Range(1, 150).Select(number => $"w{number} "));
        foreach (var thread in threads)
        {
            var answer = await rig.AnswerAsync(thread, silo: survivor, seconds: 90);
            Assert.Equal("Complete", answer["status"]!.GetValue<string>());
            Assert.EndsWith(expected, ChatRig.Text(answer), StringComparison.Ordinal);
            Assert.Single(ChatRig.Calls(answer));
        }

        await Task.WhenAll(watching).WaitAsync(TimeSpan.FromSeconds(60), Cancellation);
        var moved = watching.Count(events => events.Result.Count(item => item["type"]!.GetValue<string>() == "snapshot") > 1);
        var begun = (await File.ReadAllLinesAsync(log, Cancellation)).Where(IsBegin).ToList();
        output.WriteLine($"silo {victim + 1} killed: {moved} of {threads.Count} conversations moved; all answered {clock.Elapsed.TotalSeconds:0.0} s after kill -9 (6 s of it are the answer's own words); {begun.Count} tool calls for {threads.Count} wishes");
        Assert.True(moved > 0, "no conversation was on the victim");
        Assert.Equal(threads.Count, begun.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(threads.Count, begun.Count);
    }

    [Fact]
    public async Task Silo_KilledInMidTool_AsksWhetherToCallAgain_AndRepeatsNothingByItself()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        using var scratch = new Scratch("notes");
        var log = Path.Combine(scratch.Folder, "log");
        await using var fixture = await Fixture.StartAsync(stateless: true, log);
        await using var rig = await ChatRig.StartAsync(cluster);
        var server = await cluster.CreateServerAsync(Manifests.Remote("notes", fixture.Url));
        await AllowAsync(rig, server.Id, "slow");
        var threads = new List<string>();
        for (var number = 0; number < 6; number++)
        {
            var thread = await rig.ThreadAsync(server.Id);
            await rig.SayAsync(thread, $"tool slow {{\"delay\":8000,\"tag\":\"t{number}\"}}", silo: 1);
            threads.Add(thread);
        }

        await Eventually.TrueAsync("tools", "begun", TimeSpan.FromSeconds(30), () => File.Exists(log) && File.ReadAllLines(log).Count(IsBegin) >= threads.Count);
        Signals.Send(cluster.SiloPids()[0]!.Value, Signal.Kill);
        var unknown = 0;
        foreach (var thread in threads)
        {
            var message = await rig.AnswerAsync(thread, one => ChatRig.IsDone(one) || ChatRig.Calls(one) is [var call] && call["status"]!.GetValue<string>() == "Unknown", silo: 1, seconds: 90);
            if (!ChatRig.IsDone(message))
            {
                unknown++;
                await rig.PostAsync($"/api/threads/{thread}/tool-calls/{ChatRig.Calls(message)[0]["id"]!.GetValue<string>()}", new { decision = "Allow" }, silo: 1);
            }
        }

        foreach (var thread in threads)
        {
            Assert.Contains("waited 8000 ms", ChatRig.Text(await rig.AnswerAsync(thread, silo: 1, seconds: 60)), StringComparison.Ordinal);
        }

        var begun = (await File.ReadAllLinesAsync(log, Cancellation)).Count(IsBegin);
        output.WriteLine($"{unknown} of {threads.Count} calls were of unknown outcome and made again when the person said so: {begun} calls in all");
        Assert.True(unknown > 0, "no conversation was on the victim");
        Assert.Equal(threads.Count + unknown, begun);
    }

    private static bool IsBegin(string line) => line.StartsWith("started", StringComparison.Ordinal);

    private static async Task AllowAsync(ChatRig rig, string serverId, string tool)
    {
        var project = await rig.GetAsync("/api/projects/default");
        await rig.PutAsync($"/api/projects/{project["id"]!.GetValue<string>()}/approvals", new { tool = $"{serverId}/{tool}", approval = "always" });
    }
}
