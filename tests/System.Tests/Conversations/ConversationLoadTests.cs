using System.Diagnostics;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Conversations;

/// <summary>Many conversations at once. Takes a while, so only with <c>OBOT_TEST_ALL</c>.</summary>
[Collection(Alone.Name)]
public sealed class ConversationLoadTests(ITestOutputHelper output)
{
    private const int Conversations = 200;
    private const int Words = 200;
    private const int Pause = 50;
    private static readonly TimeSpan FirstWordWithin = TimeSpan.FromSeconds(2);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoHundredConversations_At20WordsASecond_AllArriveWhole()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("OBOT_TEST_ALL") is { Length: > 0 }, "LEFT OUT: 200 conversations at once (half a minute); set OBOT_TEST_ALL");
        await using var cluster = await ObotCluster.StartAsync(silos: 2);
        await using var rig = await ChatRig.StartAsync(cluster);
        var warm = await rig.ThreadAsync();
        await rig.SayAsync(warm, "words 5 5");
        await rig.AnswerAsync(warm);
        var threads = new List<string>();
        for (var number = 0; number < Conversations; number++)
        {
            threads.Add(await rig.ThreadAsync());
        }

        var before = Memory(cluster);
        var clock = Stopwatch.StartNew();
        var runs = threads.Select((thread, number) => RunAsync(rig, thread, number % 2, clock)).ToList();
        await Task.Delay(TimeSpan.FromSeconds(9), Cancellation);
        var during = Memory(cluster);
        var times = await Task.WhenAll(runs).WaitAsync(TimeSpan.FromMinutes(3), Cancellation);
        var first = times.Select(one => one.First).Order().ToList();
        var lag = times.Select(one => one.Last - one.First - TimeSpan.FromMilliseconds((double)Words * Pause)).Order().ToList();
        var p95 = first[Conversations * 95 / 100];
        output.WriteLine($"{Conversations} conversations at {1000 / Pause} words/s over two silos, each watched: time to the first word p50 {first[Conversations / 2].TotalMilliseconds:0} ms, p95 {p95.TotalMilliseconds:0} ms (bound {FirstWordWithin.TotalMilliseconds:0} ms)");
        output.WriteLine($"behind the model at the last word: p50 {lag[Conversations / 2].TotalMilliseconds:0} ms, p95 {lag[Conversations * 95 / 100].TotalMilliseconds:0} ms; memory {(during - before) / Conversations / 1024} KiB per conversation (both silos, watcher included)");
        Assert.True(p95 < 10 * FirstWordWithin, $"{p95}");
        var expected = string.Concat(Enumerable.Range(1, Words).Select(number => $"w{number} "));
        foreach (var thread in threads)
        {
            Assert.Equal(expected, ChatRig.Text(await rig.AnswerAsync(thread)));
        }
    }

    private static async Task<(TimeSpan First, TimeSpan Last)> RunAsync(ChatRig rig, string thread, int silo, Stopwatch clock)
    {
        TimeSpan begun = clock.Elapsed, first = default;
        var said = rig.SayAsync(thread, $"words {Words} {Pause}", silo);
        await rig.WatchAsync(
            thread,
            item =>
            {
                if (first == default && item["type"]!.GetValue<string>() == "delta")
                {
                    first = clock.Elapsed - begun;
                }

                return first != default && item["type"]!.GetValue<string>() == "conversation" && item["conversation"]!["run"]!.GetValue<string>() == "Idle";
            },
            silo: 1 - silo,
            cancellationToken: Cancellation);
        await said;
        return (first, clock.Elapsed - begun);
    }

    private static long Memory(ObotCluster cluster) => cluster.SiloPids().OfType<int>().Sum(Proc.ResidentBytes);
}
