using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Which budgets a call counts against, and whose share of them.</summary>
internal static class BudgetScopes
{
    private const string Each = "*";
    private const long Micro = 1_000_000;

    public static IReadOnlyList<LlmBudgetScope> Of(IReadOnlyList<LlmBudgetView> budgets, Principal caller, string asked, LlmTarget target)
    {
        List<LlmBudgetScope>? found = null;
        foreach (var budget in budgets)
        {
            if (WhoseShare(budget, caller, target) is { } share && (budget.Models is not { } models || IsMeant(models, asked, target)))
            {
                (found ??= []).Add(new($"{budget.Id}/{share}", budget.DisplayName, Terms(budget)));
            }
        }

        return found ?? (IReadOnlyList<LlmBudgetScope>)[];
    }

    public static BudgetTerms Terms(LlmBudgetView budget) =>
        new(budget.Period, budget.Tokens, budget.Usd is { } usd ? (long)(usd * Micro) : null, budget.RequestsPerMinute);

    /// <summary>The part of the key behind the budget's id; null where the call is none of its business.</summary>
    private static string? WhoseShare(LlmBudgetView budget, Principal caller, LlmTarget target)
    {
        var id = budget.Subject.Id;
        return budget.Subject.Type switch
        {
            BudgetSubjectTypes.User => id == Each || id == caller.UserId ? caller.UserId : null,
            BudgetSubjectTypes.Group => caller.Groups.Contains(id, StringComparer.Ordinal) ? id : null,
            BudgetSubjectTypes.Key => id == Each || id == caller.CredentialId ? caller.CredentialId : null,
            BudgetSubjectTypes.Model => id == Each || id == target.ModelId || id == target.Name ? target.ModelId : null,
            _ => Each,
        };
    }

    private static bool IsMeant(IReadOnlyList<string> models, string asked, LlmTarget target)
    {
        var patterns = new ModelPatterns(models);
        return patterns.Covers(asked) || patterns.Covers(target);
    }
}
