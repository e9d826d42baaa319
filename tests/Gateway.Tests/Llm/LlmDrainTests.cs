using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Obot.Gateway.Llm;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

public sealed class LlmDrainTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task End_WaitsForTheLastCall_AndLetsNoOtherIn()
    {
        var drain = Drain();
        Assert.True(drain.TryEnter());
        Assert.True(drain.TryEnter());
        var ending = drain.StoppingAsync(CancellationToken.None);
        Assert.False(drain.TryEnter());
        drain.Leave();
        Assert.False(ending.IsCompleted);
        drain.Leave();
        await ending.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task End_WithoutCalls_DoesNotWait() => await Drain().StoppingAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);

    [Fact]
    public async Task End_WaitsNoLongerThanItsOption()
    {
        var drain = Drain();
        Assert.True(drain.TryEnter());
        var ending = drain.StoppingAsync(CancellationToken.None);
        _time.Advance(TimeSpan.FromSeconds(24));
        Assert.False(ending.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(1));
        await ending.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
    }

    private LlmDrain Drain() => new(Options.Create(new LlmOptions()), _time, NullLogger<LlmDrain>.Instance);
}
