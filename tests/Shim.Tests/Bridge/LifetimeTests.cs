using System.Diagnostics;
using System.Text.Json;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Bridge;

/// <summary>The bridge as a process of its own, started as its host starts it.</summary>
public sealed class LifetimeTests
{
    [Theory]
    [InlineData("tree", false)]
    [InlineData("stubborn", false)]
    [InlineData("tree", true)]
    public async Task Bridge_WhoseLifetimeEnds_LeavesNoProcessAndNoSocket(string mode, bool bySignal)
    {
        var boot = TestBridge.BootOf(mode);
        var start = new ProcessStartInfo("setsid") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        start.ArgumentList.Add("dotnet");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Obot.Shim.dll"));
        start.ArgumentList.Add("bridge");
        using var bridge = Process.Start(start)!;
        await bridge.StandardInput.WriteLineAsync(JsonSerializer.Serialize(boot, ShimJson.Default.BridgeBoot));
        await bridge.StandardInput.FlushAsync(TestContext.Current.CancellationToken);

        ShimEvent next;
        do
        {
            next = JsonSerializer.Deserialize((await bridge.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!, ShimJson.Default.ShimEvent)!;
        }
        while (next.Event == ShimEvent.Log);
        Assert.True(next.Event == ShimEvent.Ready, next.Reason);
        var tree = ProcessTree.Of(bridge.Id);
        Assert.True(tree.Count >= 2, $"{tree.Count} processes");

        if (bySignal)
        {
            ProcessTree.Terminate(bridge.Id);
        }
        else
        {
            bridge.StandardInput.Close();
        }

        await bridge.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(0, bridge.ExitCode);
        Assert.Empty(tree.Where(m => SharedChildTests.IsAlive(m.Id)));
        Assert.False(File.Exists(boot.Socket));
        Directory.Delete(boot.WorkingDirectory, recursive: true);
    }
}
