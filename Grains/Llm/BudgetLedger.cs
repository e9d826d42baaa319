using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>
/// The arithmetic of one budget. Spent + lent ≤ limit holds at every grant. What is written down (<see cref="Save"/>) is a claim at or
/// above that, raised in steps of a fiftieth of the limit: after a crash up to one step of the period is lost to its owner, never overspent.
/// </summary>
internal sealed class BudgetLedger(TimeProvider time)
{
    /// <summary>An account that does not report ends after this.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(30);
    private const int Steps = 50;

    /// <summary>What is left covers fewer calls than this: from here on each draws for itself, so that no silo holds what another one needs.</summary>
    private const int Far = 64;

    /// <summary>The part of what is left that one draw may take ahead.</summary>
    private const int Share = 16;

    private readonly Dictionary<Guid, Account> accounts = [];
    private DateTimeOffset periodStart;
    private DateTimeOffset periodEnd;
    private BudgetAmount spent;
    private BudgetAmount lent;
    private BudgetAmount claimed;
    private DateTimeOffset minute;
    private int leased;

    /// <summary>Changes whenever something has to be written before a grant is answered.</summary>
    public long Claim { get; private set; }

    public void Restore(BudgetState state) => (periodStart, spent, claimed) = (state.PeriodStart, state.Claimed, state.Claimed);

    public BudgetState Save() => new() { PeriodStart = periodStart, Claimed = claimed };

    /// <summary>Takes the claim back to what is spent and lent.</summary>
    public void Exact() => claimed = spent + lent;

    public BudgetDraw Draw(BudgetTerms terms, BudgetReport report)
    {
        if (report is { Need: { Tokens: < 0 } or { MicroUsd: < 0 } } or { Wish: { Tokens: < 0 } or { MicroUsd: < 0 } } or { Total: { Tokens: < 0 } or { MicroUsd: < 0 } })
        {
            throw new ArgumentOutOfRangeException(nameof(report), "Nobody draws or spends less than nothing.");
        }

        Turn(terms);
        Expire();
        var id = report.Account;
        if (!accounts.TryGetValue(id, out var account))
        {
            // an earlier life of the grain, the period before, or its expiry has charged what it says
            if (report.Need == default && report.Wish == default)
            {
                return new(Guid.Empty, default, null, IsTight: false, periodEnd, Lifetime);
            }

            (id, account) = (Guid.NewGuid(), new(0, default, default, default, 0, 0));
        }
        else if (report.Sequence <= account.Sequence)
        {
            // overtaken: nobody waits for it any more
            return new(id, default, null, IsTight: true, periodEnd, Lifetime);
        }
        else
        {
            lent += report.Held - account.Held;
            Spend(report.Total - account.Total);
            account = new(report.Sequence, report.Total, report.Held, report.IfLost, report.Calls, 0);
        }

        var left = Left(terms);
        var exhausted = report.Need.Tokens > left.Tokens ? "tokens" : report.Need.MicroUsd > left.MicroUsd ? "usd" : null;
        var isTight = left.Tokens / Far < report.Need.Tokens || left.MicroUsd / Far < report.Need.MicroUsd;
        var drawn = exhausted is not null ? default
            : isTight ? report.Need
            : new BudgetAmount(Ahead(report.Need.Tokens, report.Wish.Tokens, left.Tokens), Ahead(report.Need.MicroUsd, report.Wish.MicroUsd, left.MicroUsd));
        account = account with { Held = account.Held + drawn, IfLost = account.IfLost + drawn, HeardAt = time.GetTimestamp() };
        lent += drawn;
        Cover(terms);
        if (account is { Calls: 0, Held: (0, 0) })
        {
            accounts.Remove(id);
        }
        else
        {
            accounts[id] = account;
        }

        return new(id, drawn, exhausted, isTight, periodEnd, Lifetime);
    }

    /// <summary>Ends accounts of which nothing is heard any more, at what they said that they would cost.</summary>
    public void Expire()
    {
        foreach (var (id, account) in accounts)
        {
            if (time.GetElapsedTime(account.HeardAt) > Lifetime)
            {
                accounts.Remove(id);
                lent -= account.Held;
                Spend(account.IfLost);
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
        return new(spent, lent, accounts.Values.Sum(account => account.Calls), periodEnd);
    }

    private void Spend(BudgetAmount amount)
    {
        spent += amount;
        if (!(spent + lent).IsWithin(claimed))
        {
            // it cost more than was set aside
            claimed = new(Math.Max(claimed.Tokens, spent.Tokens + lent.Tokens), Math.Max(claimed.MicroUsd, spent.MicroUsd + lent.MicroUsd));
            Claim++;
        }
    }

    private BudgetAmount Left(BudgetTerms terms)
    {
        var used = spent + lent;
        return new((terms.Tokens ?? long.MaxValue / 2) - used.Tokens, (terms.MicroUsd ?? long.MaxValue / 2) - used.MicroUsd);
    }

    private static long Ahead(long need, long wish, long left) => Math.Min(need + Math.Min(wish, left / Share), left);

    /// <summary>A new period begins with nothing spent; calls that began in the one before are that one's.</summary>
    private void Turn(BudgetTerms terms)
    {
        var (start, end) = BudgetPeriods.Around(terms.Period, time.GetUtcNow());
        periodEnd = end;
        if (start == periodStart)
        {
            return;
        }

        (periodStart, spent, lent, claimed) = (start, default, default, default);
        accounts.Clear();
        Claim++;
    }

    private void Cover(BudgetTerms terms)
    {
        var used = spent + lent;
        if (used.IsWithin(claimed))
        {
            return;
        }

        claimed = used + new BudgetAmount((terms.Tokens ?? 0) / Steps, (terms.MicroUsd ?? 0) / Steps);
        claimed = new(Math.Min(claimed.Tokens, terms.Tokens ?? long.MaxValue), Math.Min(claimed.MicroUsd, terms.MicroUsd ?? long.MaxValue));
        Claim++;
    }

    private sealed record Account(long Sequence, BudgetAmount Total, BudgetAmount Held, BudgetAmount IfLost, int Calls, long HeardAt);
}
