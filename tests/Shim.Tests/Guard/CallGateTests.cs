using Obot.Shim.Guard.Calls;

namespace Obot.Shim.Tests.Guard;

public sealed class CallGateTests
{
    [Fact]
    public void Gate_WithACallInHand_RefusesToClose()
    {
        var gate = new CallGate(TimeProvider.System);
        Assert.True(gate.TryEnter(counts: true));
        Assert.False(gate.TryClose(TimeSpan.Zero));
        gate.Leave(counts: true);
        Assert.True(gate.TryClose(TimeSpan.Zero));
    }

    [Fact]
    public void Gate_Closed_LetsNothingIn()
    {
        var gate = new CallGate(TimeProvider.System);
        Assert.True(gate.TryClose(TimeSpan.Zero));
        Assert.False(gate.TryEnter(counts: true));
        Assert.False(gate.TryEnter(counts: true));
        Assert.False(gate.TryEnter(counts: false));
        Assert.Equal(0, gate.InFlight);
        Assert.True(gate.TryClose(TimeSpan.Zero));
    }

    [Fact]
    public void Gate_IdleStream_IsNoActivity()
    {
        var gate = new CallGate(TimeProvider.System);
        Assert.True(gate.TryEnter(counts: false));
        Assert.True(gate.TryClose(TimeSpan.Zero));
    }

    [Fact]
    public void Gate_UsedJustNow_RefusesToCloseForIdleness()
    {
        var gate = new CallGate(TimeProvider.System);
        gate.TryEnter(counts: true);
        gate.Leave(counts: true);
        Assert.False(gate.TryClose(TimeSpan.FromMinutes(1)));
    }

    /// <summary>Either the gate closes or a call is in hand; never both.</summary>
    [Fact]
    public async Task Gate_ClosedWhileCallsCome_NeverHoldsOne()
    {
        for (var round = 0; round < 200; round++)
        {
            var gate = new CallGate(TimeProvider.System);
            var entered = 0;
            using var barrier = new Barrier(3);
            var callers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                barrier.SignalAndWait(TestContext.Current.CancellationToken);
                if (gate.TryEnter(counts: true))
                {
                    Interlocked.Increment(ref entered);
                }
            })).ToArray();
            barrier.SignalAndWait(TestContext.Current.CancellationToken);
            var closed = gate.TryClose(TimeSpan.Zero);
            await Task.WhenAll(callers);
            Assert.Equal(closed ? 0 : 2, closed ? entered : gate.InFlight);
        }
    }
}
