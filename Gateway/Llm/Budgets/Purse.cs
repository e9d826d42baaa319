using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Budgets;

/// <summary>
/// This silo's part of one budget: calls take from what the grain lent, without asking, and one of them asks for all when that is used up.
/// </summary>
internal sealed class Purse(string key, IGrainFactory grains, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock access = new();
    private PurseAccount account = new(Guid.Empty);
    private BudgetTerms? terms;
    private bool isTight;
    private bool isClosed;
    private long heardAt;
    private TimeSpan lifetime;
    private DateTimeOffset resetsAt;

    private SemaphoreSlim Asking { get; } = new(1, 1);

    /// <summary>The end of the budget is near: what is settled should be told at once.</summary>
    public bool IsTight => Volatile.Read(ref isTight);

    /// <returns>Null: this purse was put away, there is another one.</returns>
    /// <exception cref="TimeoutException">The grain does not answer; like exceptions of Orleans.</exception>
    public async ValueTask<PurseAnswer?> TakeAsync(BudgetTerms asked, LlmCall call, BudgetAmount most, CancellationToken cancellationToken)
    {
        if (TryTake(asked, call, most) is { } hold)
        {
            return new(hold, null, default);
        }

        await Asking.WaitAsync(cancellationToken);
        try
        {
            // whoever asked before may have drawn for this one too
            if (TryTake(asked, call, most) is { } drawn)
            {
                return new(drawn, null, default);
            }

            if (isClosed)
            {
                return null;
            }

            var (answer, got) = await AskAsync(most, call);
            return got is not null || answer.Exhausted is not null ? new(got, answer.Exhausted, answer.ResetsAt) : throw new TimeoutException("The budget was overtaken by another report.");
        }
        finally
        {
            Asking.Release();
        }
    }

    public void Settle(BudgetHold hold, BudgetAmount actual)
    {
        lock (access)
        {
            hold.Account.Settle(hold, actual);
        }
    }

    /// <summary>Tells the grain what there is to tell.</summary>
    /// <param name="isDue">An interval ended: the grain has to hear something, and a purse that nobody uses is put away.</param>
    /// <param name="isOverdue">Also where nothing changed: calls in hand go on.</param>
    /// <returns>False when it was put away.</returns>
    public async Task<bool> ReportAsync(bool isDue, bool isOverdue)
    {
        await Asking.WaitAsync();
        try
        {
            lock (access)
            {
                if (isDue && account.IsEmpty)
                {
                    return !(isClosed = true);
                }

                if (account.IsQuiet && !isOverdue)
                {
                    return true;
                }
            }

            await AskAsync(default, isDue: isDue);
            return true;
        }
        finally
        {
            Asking.Release();
        }
    }

    private BudgetHold? TryTake(BudgetTerms asked, LlmCall call, BudgetAmount most)
    {
        lock (access)
        {
            terms = asked;

            // what the grain may have charged meanwhile, or what is of a period that ended, is nobody's to give away
            return isClosed || time.GetUtcNow() >= resetsAt || time.GetElapsedTime(heardAt) > lifetime / 2 ? null : account.TryTake(this, call, most);
        }
    }

    /// <param name="need">Of the call; what was drawn for it nobody else takes away.</param>
    /// <param name="call">Null where the purse only reports.</param>
    private async Task<(BudgetDraw Answer, BudgetHold? Hold)> AskAsync(BudgetAmount need, LlmCall? call = null, bool isDue = false)
    {
        BudgetReport report;
        lock (access)
        {
            report = account.Report(need, isTight);
            if (isDue)
            {
                account.Turn();
            }
        }

        var at = time.GetTimestamp();
        var answer = await grains.GetGrain<IBudgetGrain>(key).Draw(terms!, report, CancellationToken.None).WaitAsync(Patience, time);
        lock (access)
        {
            if (answer.Account != account.Id)
            {
                account = new(answer.Account);
            }

            account.Lend(answer.Drawn);
            (heardAt, lifetime, resetsAt) = (at, answer.Lifetime, answer.ResetsAt);
            isTight = call is null ? isTight : answer.IsTight;
            return (answer, call is null ? null : account.TryTake(this, call, need));
        }
    }
}
