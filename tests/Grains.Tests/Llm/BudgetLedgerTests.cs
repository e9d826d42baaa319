using Microsoft.Extensions.Time.Testing;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Llm;

namespace Obot.Grains.Tests.Llm;

public sealed class BudgetLedgerTests
{
    private static readonly BudgetTerms Terms = new(BudgetPeriods.Day, 1000, null, 10);
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 27, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public void Reservations_NeverExceedTheLimit_AndSettlingGivesBackTheRest()
    {
        var ledger = new BudgetLedger(_time);
        Assert.All(Enumerable.Range(0, 10), i => Assert.True(ledger.Reserve(Terms, new($"c{i}", new(100, 0))).Granted));
        var refused = ledger.Reserve(Terms, new("more", new(1, 0)));
        Assert.Equal((false, "tokens", new DateTimeOffset(2026, 11, 28, 0, 0, 0, TimeSpan.Zero)), (refused.Granted, refused.Exhausted, refused.ResetsAt));
        ledger.Settle("c0", new(40, 0));
        ledger.Settle("c0", new(40, 0));
        Assert.True(ledger.Reserve(Terms, new("more", new(60, 0))).Granted);
        Assert.False(ledger.Reserve(Terms, new("most", new(1, 0))).Granted);
    }

    [Fact]
    public void Attack_OfAReservationBelowNothing_OpensNothingForOthers()
    {
        var ledger = new BudgetLedger(_time);
        Assert.Throws<ArgumentOutOfRangeException>(() => ledger.Reserve(Terms, new("evil", new(long.MinValue, 0))));
        Assert.False(ledger.Reserve(Terms, new("more", new(1001, 0))).Granted);
    }

    [Fact]
    public void Reservation_ThatNobodyRenews_IsSettledAtWhatItWasHeardToCost()
    {
        var ledger = new BudgetLedger(_time);
        ledger.Reserve(Terms, new("heard", new(300, 0)));
        ledger.Reserve(Terms, new("silent", new(200, 0)));
        _time.Advance(TimeSpan.FromSeconds(20));
        ledger.Renew([new("heard", new(50, 0))]);
        _time.Advance(TimeSpan.FromSeconds(20));
        ledger.Expire();
        Assert.Equal((200L, 300L, 1), (ledger.Read(Terms).Spent.Tokens, ledger.Read(Terms).Reserved.Tokens, ledger.Read(Terms).Reservations));
        _time.Advance(TimeSpan.FromSeconds(20));
        ledger.Expire();
        Assert.Equal((250L, 0L), (ledger.Read(Terms).Spent.Tokens, ledger.Read(Terms).Reserved.Tokens));
    }

    [Fact]
    public void Crash_ForgetsNoSpending_AndLosesAFiftiethAtMost()
    {
        var before = new BudgetLedger(_time);
        before.Reserve(Terms, new("a", new(500, 0)));
        before.Settle("a", new(450, 0));
        var after = new BudgetLedger(_time);
        after.Restore(before.Save());
        Assert.InRange(after.Read(Terms).Spent.Tokens, 450, 520);
        Assert.False(after.Reserve(Terms, new("b", new(551, 0))).Granted);
    }

    [Fact]
    public void Period_ThatBegins_BeginsWithNothing_AndIsNotChargedForTheOneBefore()
    {
        var ledger = new BudgetLedger(_time);
        ledger.Reserve(Terms, new("late", new(900, 0)));
        _time.Advance(TimeSpan.FromHours(12));
        Assert.True(ledger.Reserve(Terms, new("first", new(1000, 0))).Granted);
        ledger.Settle("late", new(900, 0));
        Assert.Equal((0L, 1000L), (ledger.Read(Terms).Spent.Tokens, ledger.Read(Terms).Reserved.Tokens));
    }

    [Fact]
    public void Leases_OfAMinute_AddUpToTheLimit()
    {
        var ledger = new BudgetLedger(_time);
        Assert.Equal(10, Enumerable.Range(0, 30).Sum(_ => ledger.Lease(Terms, 4).Requests));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.NotEqual(0, ledger.Lease(Terms, 4).Requests);
    }
}
