using System.Text;
using Microsoft.AspNetCore.Http;
using Obot.Gateway.Llm;
using Obot.Gateway.Llm.Budgets;
using Obot.Gateway.Llm.Requests;
using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Tests.Llm;

/// <summary>A silo's part of a budget: what it holds and what it says of it always add up to what was lent.</summary>
public sealed class PurseAccountTests
{
    private static readonly Purse Purse = new("b/u", null!, TimeProvider.System);
    private readonly PurseAccount _account = new(Guid.NewGuid());

    [Fact]
    public void Calls_TakeWhatIsThere_AndNoMore()
    {
        _account.Lend(new(250, 0));
        Assert.NotNull(Take(100));
        var second = Take(100)!;
        Assert.Null(Take(100));
        Assert.True(_account.Settle(second, new(30, 0)));
        Assert.False(_account.Settle(second, new(30, 0)));
        Assert.NotNull(Take(100));
        var report = _account.Report(default, isTight: false);
        Assert.Equal((30L, 220L, 2), (report.Total.Tokens, report.Held.Tokens, report.Calls));
    }

    [Fact]
    public void Report_GivesBackWhatIsNotWantedSoon_AndEverythingNearTheEnd()
    {
        _account.Lend(new(1000, 0));
        var call = Take(10)!;
        Assert.Equal(10 + 20, _account.Report(default, isTight: false).Held.Tokens);
        _account.Turn();
        Assert.Equal(10 + 10, _account.Report(default, isTight: false).Held.Tokens);
        Assert.Equal(10, _account.Report(default, isTight: true).Held.Tokens);
        _account.Settle(call, new(10, 0));
        Assert.False(_account.IsEmpty);
        Assert.Equal((10L, 0L, 0), (_account.Report(default, isTight: true) is var last ? last.Total.Tokens : 0, last.Held.Tokens, last.Calls));
        Assert.True(_account.IsEmpty);
    }

    [Fact]
    public void Call_ThatCostMoreThanWasSetAside_IsSaid_AndTakesNothingFromOthers()
    {
        _account.Lend(new(200, 0));
        var (dear, other) = (Take(100)!, Take(100)!);
        _account.Settle(dear, new(5000, 0));
        var report = _account.Report(default, isTight: true);
        Assert.Equal((5000L, 100L), (report.Total.Tokens, report.Held.Tokens));
        _account.Settle(other, new(100, 0));
        Assert.Equal((5100L, 0L), (_account.Report(default, isTight: true) is var last ? last.Total.Tokens : 0, last.Held.Tokens));
    }

    private BudgetHold? Take(long tokens) => _account.TryTake(
        Purse,
        new LlmCall(new DefaultHttpContext(), LlmDoor.Of("/openai/v1/chat/completions")!.Value, null!, Guid.CreateVersion7(), 0) { Scan = RequestScan.Of(Encoding.UTF8.GetBytes("""{"model":"m"}""")) },
        new(tokens, 0));
}
