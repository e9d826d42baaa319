using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>
/// The arithmetic of one budget. Spent + reserved ≤ limit holds at every grant. What is written down (<see cref="Save"/>) is a claim at or
/// above that, raised in steps of a fiftieth of the limit: after a crash up to one step of the period is lost to its owner, never overspent.
/// </summary>
internal sealed class BudgetLedger(TimeProvider time)
{
    /// <summary>A reservation that nobody renews ends after this.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);
    private const int Steps = 50;

    private readonly Dictionary<string, Entry> open = new(StringComparer.Ordinal);
    private DateTimeOffset periodStart;
    private DateTimeOffset periodEnd;
    private BudgetAmount spent;
    private BudgetAmount reserved;
    private BudgetAmount claimed;
    private DateTimeOffset minute;
    private int leased;

    /// <summary>Changes whenever something has to be written before a grant is answered.</summary>
    public long Claim { get; private set; }

    public void Restore(BudgetState state) => (periodStart, spent, claimed) = (state.PeriodStart, state.Claimed, state.Claimed);

    public BudgetState Save() => new() { PeriodStart = periodStart, Claimed = claimed };

    /// <summary>Takes the claim back to what is spent and set aside.</summary>
    public void Exact() => claimed = spent + reserved;

    public BudgetAnswer Reserve(BudgetTerms terms, BudgetReservation reservation)
    {
        if (reservation.Amount is { Tokens: < 0 } or { MicroUsd: < 0 })
        {
            throw new ArgumentOutOfRangeException(nameof(reservation), "Nobody sets less than nothing aside.");
        }

        Turn(terms);
        Expire();
        if (open.ContainsKey(reservation.Id))
        {
            return new(true, null, periodEnd, Lifetime);
        }

        var total = spent + reserved + reservation.Amount;
        var exhausted = terms.Tokens is { } tokens && total.Tokens > tokens ? "tokens" : terms.MicroUsd is { } usd && total.MicroUsd > usd ? "usd" : null;
        if (exhausted is not null)
        {
            return new(false, exhausted, periodEnd, Lifetime);
        }

        reserved += reservation.Amount;
        open[reservation.Id] = new(reservation.Amount, default, time.GetTimestamp(), periodStart);
        Cover(terms);
        return new(true, null, periodEnd, Lifetime);
    }

    public void Settle(string id, BudgetAmount actual)
    {
        if (!open.Remove(id, out var entry) || entry.PeriodStart != periodStart)
        {
            return;
        }

        reserved -= entry.Reserved;
        spent += actual;
        if (spent.Tokens + reserved.Tokens > claimed.Tokens || spent.MicroUsd + reserved.MicroUsd > claimed.MicroUsd)
        {
            // it cost more than was set aside
            claimed = spent + reserved;
            Claim++;
        }
    }

    public void Renew(IReadOnlyList<BudgetReservation> underWay)
    {
        var now = time.GetTimestamp();
        foreach (var one in underWay)
        {
            if (open.TryGetValue(one.Id, out var entry))
            {
                open[one.Id] = entry with { SoFar = one.Amount, RenewedAt = now };
            }
        }
    }

    /// <summary>Ends what nobody renews: at what it had cost when it was heard of last, and at the reservation where it was never heard of.</summary>
    public void Expire()
    {
        foreach (var (id, entry) in open)
        {
            if (time.GetElapsedTime(entry.RenewedAt) > Lifetime)
            {
                Settle(id, entry.SoFar == default ? entry.Reserved : entry.SoFar);
            }
        }
    }

    public RequestLease Lease(BudgetTerms terms, int wanted)
    {
        var now = time.GetUtcNow();
        var current = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        if (current != minute)
        {
            (minute, leased) = (current, 0);
        }

        var limit = terms.RequestsPerMinute ?? int.MaxValue;

        // a share of what is left, so that the silo that comes first does not take it all
        var given = Math.Clamp(Math.Min(wanted, (limit - leased + 3) / 4), 0, Math.Max(0, limit - leased));
        leased += given;
        return new(given, minute.AddMinutes(1));
    }

    public BudgetStanding Read(BudgetTerms terms)
    {
        Turn(terms);
        return new(spent, reserved, open.Count, periodEnd);
    }

    /// <summary>A new period begins with nothing spent; calls that began in the one before are that one's.</summary>
    private void Turn(BudgetTerms terms)
    {
        var (start, end) = BudgetPeriods.Around(terms.Period, time.GetUtcNow());
        periodEnd = end;
        if (start == periodStart)
        {
            return;
        }

        (periodStart, spent, reserved, claimed) = (start, default, default, default);
        Claim++;
    }

    private void Cover(BudgetTerms terms)
    {
        var used = spent + reserved;
        if (used.Tokens <= claimed.Tokens && used.MicroUsd <= claimed.MicroUsd)
        {
            return;
        }

        claimed = used + new BudgetAmount((terms.Tokens ?? 0) / Steps, (terms.MicroUsd ?? 0) / Steps);
        claimed = new(Math.Min(claimed.Tokens, terms.Tokens ?? long.MaxValue), Math.Min(claimed.MicroUsd, terms.MicroUsd ?? long.MaxValue));
        Claim++;
    }

    private sealed record Entry(BudgetAmount Reserved, BudgetAmount SoFar, long RenewedAt, DateTimeOffset PeriodStart);
}
