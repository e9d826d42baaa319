using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Budgets;

/// <summary>
/// What a silo holds of one budget, under the name that the budget's grain gave it: what is free to be set aside, what is set aside, what calls have cost.
/// A grain that does not know it any more has charged it, and another one takes its place; calls in hand end in the old one, where they change nothing.
/// Not thread-safe: its purse's lock is around it.
/// </summary>
internal sealed class PurseAccount(Guid id)
{
    private readonly HashSet<BudgetHold> open = [];
    private BudgetAmount free;
    private BudgetAmount held;
    private BudgetAmount total;
    private BudgetAmount taken;
    private BudgetAmount takenBefore;
    private bool isChanged;
    private long sequence;

    public Guid Id { get; } = id;

    /// <summary>Nothing is in it and nothing of it is unsaid.</summary>
    public bool IsEmpty => open.Count == 0 && free == default && !isChanged;

    /// <summary>Nothing to report: whatever the grain knows is so.</summary>
    public bool IsQuiet => !isChanged && free == default;

    public void Lend(BudgetAmount drawn) => free += drawn;

    public BudgetHold? TryTake(Purse purse, LlmCall call, BudgetAmount most)
    {
        if (!most.IsWithin(free))
        {
            return null;
        }

        free -= most;
        held += most;
        taken += most;
        isChanged = true;
        var hold = new BudgetHold(purse, this, call, most);
        open.Add(hold);
        return hold;
    }

    /// <returns>False where it was settled before.</returns>
    public bool Settle(BudgetHold hold, BudgetAmount actual)
    {
        if (!open.Remove(hold))
        {
            return false;
        }

        held -= hold.Amount;
        total += actual;
        free += new BudgetAmount(Math.Max(0, hold.Amount.Tokens - actual.Tokens), Math.Max(0, hold.Amount.MicroUsd - actual.MicroUsd));
        return isChanged = true;
    }

    /// <summary>Says everything. What is free goes back, but for what is wanted again soon.</summary>
    /// <param name="need">Of the call that waits; nothing where none does.</param>
    /// <param name="isTight">Each call draws for itself: nothing is kept or wished for.</param>
    public BudgetReport Report(BudgetAmount need, bool isTight)
    {
        var busy = taken + taken + takenBefore;
        var wish = isTight ? default : busy;
        free = new(Math.Min(free.Tokens, wish.Tokens), Math.Min(free.MicroUsd, wish.MicroUsd));
        isChanged = false;
        var lost = free;
        foreach (var hold in open)
        {
            lost += BudgetDesk.SoFar(hold.Call);
        }

        wish = new(Math.Max(0, wish.Tokens - free.Tokens), Math.Max(0, wish.MicroUsd - free.MicroUsd));
        return new(Id, ++sequence, total, held + free, lost, open.Count, need, wish);
    }

    /// <summary>The next interval begins.</summary>
    public void Turn() => (takenBefore, taken) = (taken, default);
}
