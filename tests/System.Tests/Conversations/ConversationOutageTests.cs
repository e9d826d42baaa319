using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>The database is away while answers are made. On a cluster of its own.</summary>
public sealed class ConversationOutageTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Database_AwayInMidRun_RunGoesOnAfterwards_AndItsToolRanOnce()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        using var scratch = new Scratch("notes");
        var log = Path.Combine(scratch.Folder, "log");
        await using var fixture = await Fixture.StartAsync(stateless: true, log);
        await using var rig = await ChatRig.StartAsync(cluster);
        var server = await cluster.CreateServerAsync(Manifests.Remote("notes", fixture.Url));
        var project = await rig.GetAsync("/api/projects/default");
        await rig.PutAsync($"/api/projects/{project["id"]!.GetValue<string>()}/approvals", new { tool = $"{server.Id}/slow", approval = "always" });
        var threads = new List<string>();
        for (var number = 0; number < 4; number++)
        {
            // two whose tool ends meanwhile, two whose model talks meanwhile
            var thread = await rig.ThreadAsync(server.Id);
            await rig.SayAsync(thread, number < 2 ? $"tool slow {{\"delay\":6000,\"tag\":\"t{number}\"}}\nwords 20 20" : "words 200 50", silo: number % 2);
            threads.Add(thread);
        }

        await Eventually.TrueAsync("tools", "begun", TimeSpan.FromSeconds(30), () => File.Exists(log) && File.ReadAllLines(log).Count(line => line.StartsWith("started", StringComparison.Ordinal)) >= 2);
        var database = People.DatabasePids(cluster);
        try
        {
            foreach (var pid in database)
            {
                Signals.Send(pid, Signal.Stop);
            }

            await Task.Delay(Away, Cancellation);
        }
        finally
        {
            foreach (var pid in database.Where(Proc.Exists))
            {
                Signals.Send(pid, Signal.Continue);
            }
        }

        var clock = Stopwatch.StartNew();
        for (var number = 0; number < threads.Count; number++)
        {
            var answer = await rig.AnswerAsync(threads[number], silo: number % 2, seconds: 90);
            Assert.Equal("Complete", answer["status"]!.GetValue<string>());
            Assert.EndsWith(number < 2 ? "w20 " : "w200 ", ChatRig.Text(answer), StringComparison.Ordinal);
        }

        output.WriteLine($"database away for {Away.TotalSeconds:0} s: all {threads.Count} answers whole {clock.Elapsed.TotalSeconds:0.0} s after it came back");
        Assert.Equal(2, (await File.ReadAllLinesAsync(log, Cancellation)).Count(line => line.StartsWith("started", StringComparison.Ordinal)));
    }
}
