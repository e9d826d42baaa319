using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Bridge;

public sealed class StartupTests
{
    [Theory]
    [InlineData("legacy", false)]
    [InlineData("mute", false)]
    [InlineData("allergic", false)]
    [InlineData("modern", true)]
    [InlineData("both", true)]
    public async Task Server_OfEachEra_IsRecognized(string mode, bool modern)
    {
        await using var bridge = TestBridge.Start(TestBridge.BootOf(mode));
        var ready = await bridge.NextAsync(ShimEvent.Ready, ShimEvent.Failed);
        Assert.Equal(ShimEvent.Ready, ready.Event);
        Assert.Equal(bridge.Boot.Socket, ready.Address);
        Assert.Equal(modern, ready.Modern);
    }

    [Fact]
    public async Task Server_ThatExitsAtOnce_FailsWithItsCodeAndLastWords()
    {
        await using var bridge = TestBridge.Start(TestBridge.BootOf("exit"));
        var failed = await bridge.NextAsync(ShimEvent.Ready, ShimEvent.Failed);
        Assert.Contains("exited with code 3", failed.Reason, StringComparison.Ordinal);
        Assert.Contains("the configuration is incomplete", failed.Reason, StringComparison.Ordinal);
        Assert.Equal(1, await bridge.Completion);
    }

    [Fact]
    public async Task Server_ThatNeverAnswers_FailsAfterTheTimeout()
    {
        await using var bridge = TestBridge.Start(TestBridge.BootOf("silent", new BridgeLimits { StartupTimeoutSeconds = 4 }));
        var failed = await bridge.NextAsync(ShimEvent.Ready, ShimEvent.Failed);
        Assert.Contains("did not answer initialize within 4 s", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_ThatFloodsStandardError_StartsAndSaysWhatWasDropped()
    {
        await using var bridge = TestBridge.Start(TestBridge.BootOf("flood"));
        var lines = new List<string>();
        ShimEvent next;
        var ready = false;
        do
        {
            next = await bridge.NextAsync(ShimEvent.Log, ShimEvent.Ready, ShimEvent.Failed);
            ready |= next.Event == ShimEvent.Ready;
            lines.Add(next.Line ?? string.Empty);
        }
        while (next.Event != ShimEvent.Failed && !(ready && lines.Exists(l => l.EndsWith("lines dropped", StringComparison.Ordinal))));

        Assert.True(ready, next.Reason);
        Assert.True(lines.Count < 5000, $"{lines.Count} lines");
    }

    [Fact]
    public async Task Boot_ThatLeavesLimitsOut_HasTheDefaults()
    {
        var boot = System.Text.Json.JsonSerializer.Deserialize(
            """{"socket":"s","secret":"x","workingDirectory":"w","command":{"runtime":"npx","package":"p","packageCache":"c"},"limits":{"maxChildren":2}}""",
            Contracts.ShimJson.Default.BridgeBoot)!;
        await Task.CompletedTask;
        Assert.Empty(boot.Environment);
        Assert.Empty(boot.Command.Arguments);
        Assert.Equal(2, boot.Limits.MaxChildren);
        Assert.Equal(60, boot.Limits.StartupTimeoutSeconds);
    }
}
