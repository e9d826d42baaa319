using System.Diagnostics;
using System.Net;
using Obot.SystemTests.Rig;

namespace Obot.SystemTests.Llm;

/// <summary>A silo that is told to stop in mid-stream: what runs is finished, what is new goes elsewhere, and nobody waits for ever.</summary>
[Collection(Alone.Name)]
public sealed class LlmStopTests(ITestOutputHelper output)
{
    private const int DrainSeconds = 10;

    [Fact]
    public async Task Silo_ToldToStop_FinishesAnswersUnderWay_RefusesNewOnes_AndEndsInTime()
    {
        await using var cluster = await ObotCluster.StartAsync(silos: 2, ("Obot__Llm__DrainTimeout", $"00:00:{DrainSeconds}"));
        await using var rig = await LlmRig.StartAsync(cluster);
        await Task.Delay(TimeSpan.FromSeconds(1), TestContext.Current.CancellationToken);
        using var running = await rig.ChatAsync("script:long", stream: true, silo: 1);
        using var endless = await rig.ChatAsync("script:endless", stream: true, silo: 1);
        await using var words = await running.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        Assert.NotEqual(0, await words.ReadAsync(new byte[10], TestContext.Current.CancellationToken));
        var pid = cluster.SiloPids()[1]!.Value;
        Signals.Send(pid, Signal.Terminate);
        var clock = Stopwatch.StartNew();
        await Task.Delay(TimeSpan.FromSeconds(0.5), TestContext.Current.CancellationToken);

        using (var refused = await rig.ChatAsync("hello", silo: 1))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.NotNull(refused.Headers.RetryAfter);
        }

        using (var ready = await cluster.Http.GetAsync(new Uri(cluster.Urls[1], "/readyz"), TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        }

        using (var other = await rig.ChatAsync("hello"))
        {
            Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        }

        using var reader = new StreamReader(words);
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        var finished = clock.Elapsed;
        Assert.True(Proc.Exists(pid));
        await Eventually.TrueAsync("silo", "ended", TimeSpan.FromSeconds(DrainSeconds + 20), () => !Proc.Exists(pid));
        output.WriteLine($"told to stop in mid-stream: that answer was whole {finished.TotalSeconds:0.0} s later, an endless one kept the silo until {clock.Elapsed.TotalSeconds:0.0} s (DrainTimeout {DrainSeconds} s, then up to 12 s for the rest)");
        Assert.InRange(clock.Elapsed.TotalSeconds, DrainSeconds - 1, DrainSeconds + 15);
    }
}
