using Microsoft.Extensions.Time.Testing;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm;

namespace Obot.Grains.Tests.Llm;

public sealed class BudgetLedgerTests
{
    private static readonly BudgetTerms Terms = new(BudgetPeriods.Day, 1000, null, 10);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero));
    private long _sequence;

    [Fact]
    public void Draws_NeverExceedTheLimit_AndWhatIsLeftOverGoesBack()
    {
        var ledger = new BudgetLedger(_time);
        var accounts = Enumerable.Range(0, 10).Select(_ => Need(ledger, 100)).ToList();
        Assert.All(accounts, account => Assert.Equal(100, account.Drawn.Tokens));
        var refused = Need(ledger, 1);
        Assert.Equal((0L, "tokens", new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero)), (refused.Drawn.Tokens, refused.Exhausted, refused.ResetsAt));
        var report = Report(accounts[0].Account, total: 40, held: 0);
        ledger.Draw(Terms, report);
        ledger.Draw(Terms, report);
        Assert.Equal(60, Need(ledger, 60).Drawn.Tokens);
        Assert.NotNull(Need(ledger, 1).Exhausted);
    }

    [Fact]
    public void Draw_FarFromTheEnd_TakesAheadWhatIsWished_AShareOfWhatIsLeft()
    {
        var ledger = new BudgetLedger(_time);
        Assert.Equal((10 + 30L, false), Ahead(10, 30));
        Assert.Equal((10 + 60L, false), Ahead(10, 500));
        Assert.Equal((20L, true), Ahead(20, 500));

        (long Tokens, bool IsTight) Ahead(long need, long wish)
        {
            var answer = ledger.Draw(Terms, Report(Guid.Empty, 0, 0, need) with { Wish = new(wish, 0) });
            return (answer.Drawn.Tokens, answer.IsTight);
        }
    }

    [Fact]
    public void Attack_OfADrawBelowNothing_OpensNothingForOthers()
    {
        var ledger = new BudgetLedger(_time);
        Assert.Throws<ArgumentOutOfRangeException>(() => Need(ledger, long.MinValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => ledger.Draw(Terms, Report(Guid.Empty, long.MinValue, 0, 1)));
        Assert.NotNull(Need(ledger, 1001).Exhausted);
    }

    [Fact]
    public void Report_ThatAnotherOneOvertook_ChangesNothing()
    {
        var ledger = new BudgetLedger(_time);
        var account = Need(ledger, 300).Account;
        var late = Report(account, total: 0, held: 0);
        ledger.Draw(Terms, Report(account, total: 100, held: 200));
        Assert.Equal(0, ledger.Draw(Terms, late with { Need = new(50, 0) }).Drawn.Tokens);
        Assert.Equal((100L, 200L), Standing(ledger));
    }

    [Fact]
    public void Account_OfWhichNothingIsHeard_IsChargedWhatItSaid()
    {
        var ledger = new BudgetLedger(_time);
        var heard = Need(ledger, 300).Account;
        Need(ledger, 200);
        _time.Advance(TimeSpan.FromSeconds(20));
        ledger.Draw(Terms, Report(heard, 0, 300) with { IfLost = new(50, 0), Calls = 1 });
        _time.Advance(TimeSpan.FromSeconds(20));
        ledger.Expire();
        Assert.Equal((200L, 300L), Standing(ledger));
        _time.Advance(TimeSpan.FromSeconds(20));
        ledger.Expire();
        Assert.Equal((250L, 0L), Standing(ledger));

        // it lives after all: what it says of its earlier life is charged, and it begins anew
        var anew = ledger.Draw(Terms, Report(heard, total: 280, held: 20, need: 10));
        Assert.NotEqual(heard, anew.Account);
        Assert.Equal((250L, 10L), Standing(ledger));
    }

    [Fact]
    public void Crash_ForgetsNoSpending_AndLosesAFiftiethAtMost()
    {
        var before = new BudgetLedger(_time);
        var account = Need(before, 500).Account;
        before.Draw(Terms, Report(account, total: 450, held: 0));
        var after = new BudgetLedger(_time);
        after.Restore(before.Save());
        Assert.InRange(after.Read(Terms).Spent.Tokens, 450, 520);
        Assert.NotNull(Need(after, 551).Exhausted);
    }

    [Fact]
    public void Period_ThatBegins_BeginsWithNothing_AndIsNotChargedForTheOneBefore()
    {
        var ledger = new BudgetLedger(_time);
        var late = Need(ledger, 900).Account;
        _time.Advance(TimeSpan.FromHours(12));
        Assert.Equal(1000, Need(ledger, 1000).Drawn.Tokens);
        Assert.Equal(Guid.Empty, ledger.Draw(Terms, Report(late, total: 900, held: 0)).Account);
        Assert.Equal((0L, 1000L), Standing(ledger));
    }

    [Fact]
    public void Leases_OfAMinute_AddUpToTheLimit()
    {
        var ledger = new BudgetLedger(_time);
        Assert.Equal(10, Enumerable.Range(0, 30).Sum(_ => ledger.Lease(Terms, 4).Requests));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.NotEqual(0, ledger.Lease(Terms, 4).Requests);
    }

    private BudgetDraw Need(BudgetLedger ledger, long tokens) => ledger.Draw(Terms, Report(Guid.Empty, 0, 0, tokens));

    private BudgetReport Report(Guid account, long total, long held, long need = 0) =>
        new(account, ++_sequence, new(total, 0), new(held, 0), new(held, 0), held > 0 ? 1 : 0, new(need, 0), default);

    private static (long Spent, long Lent) Standing(BudgetLedger ledger) => (ledger.Read(Terms).Spent.Tokens, ledger.Read(Terms).Reserved.Tokens);
}
