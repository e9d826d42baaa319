using Obot.Gateway.Llm.Upstream;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Llm.Budgets;

/// <summary>What is set aside for one call in one purse.</summary>
internal sealed class BudgetHold(Purse purse, PurseAccount account, LlmCall call, BudgetAmount amount)
{
    public Purse Purse { get; } = purse;

    public PurseAccount Account { get; } = account;

    public LlmCall Call { get; } = call;

    public BudgetAmount Amount { get; } = amount;

    public void Settle(BudgetAmount actual) => Purse.Settle(this, actual);
}

/// <summary>How asking a purse went: a hold, or why there is none.</summary>
/// <param name="Exhausted"><c>tokens</c> or <c>usd</c>.</param>
internal readonly record struct PurseAnswer(BudgetHold? Hold, string? Exhausted, DateTimeOffset ResetsAt);
