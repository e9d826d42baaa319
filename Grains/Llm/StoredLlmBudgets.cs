using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Grains.Llm;

/// <summary>Budgets in table <c>llm_budgets</c>; amounts are the grains'.</summary>
internal sealed class StoredLlmBudgets(IDbContextFactory<ObotDb> databases, IGrainFactory grains, TimeProvider time)
    : DefinitionStore<LlmBudgetRow, NewLlmBudget, LlmBudgetView>(databases, time, "Budget", "lb1", most: 1000), ILlmBudgets
{
    private const string Each = "*";

    public async Task<BudgetStanding?> Standing(Principal caller, string id, string? subject, CancellationToken cancellationToken)
    {
        if (await Find(caller, id, cancellationToken) is not { } budget)
        {
            return null;
        }

        var share = budget.Subject.Id;
        if (budget.Subject is { Type: not BudgetSubjectTypes.Everyone, Id: Each })
        {
            share = string.IsNullOrEmpty(subject) ? throw new InvalidInputException("subject", $"Whose? Each {budget.Subject.Type} has one of their own.") : subject;
        }

        return await grains.GetGrain<IBudgetGrain>($"{budget.Id}/{share}").Read(BudgetScopes.Terms(budget));
    }

    internal static LlmBudgetView View(LlmBudgetRow row)
    {
        var request = LlmJson.Read<NewLlmBudget>(row.Definition);
        return new()
        {
            Id = row.Id,
            DisplayName = request.DisplayName,
            Subject = request.Subject!,
            Models = request.Models,
            Period = request.Period,
            Tokens = request.Tokens,
            Usd = request.Usd,
            RequestsPerMinute = request.RequestsPerMinute,
            Revision = row.Revision,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
        };
    }

    protected override LlmBudgetView ViewOf(LlmBudgetRow row) => View(row);

    protected override async Task CheckAsync(ObotDb db, NewLlmBudget draft, CancellationToken cancellationToken)
    {
        StoredModelAccessPolicies.CheckDisplayName(draft.DisplayName);
        if (!BudgetPeriods.All.Contains(draft.Period, StringComparer.Ordinal))
        {
            throw new InvalidInputException("period", $"Must be one of {string.Join(", ", BudgetPeriods.All)}.");
        }

        if (draft is { Tokens: null, Usd: null, RequestsPerMinute: null })
        {
            throw new InvalidInputException("tokens", "A budget limits something: 'tokens', 'usd' or 'requestsPerMinute'.");
        }

        if (draft.Tokens is < 0 || draft.Usd is < 0 or > 1_000_000_000 || draft.RequestsPerMinute is < 0)
        {
            throw new InvalidInputException(draft.Tokens is < 0 ? "tokens" : draft.RequestsPerMinute is < 0 ? "requestsPerMinute" : "usd", "Must be 0 or more.");
        }

        for (var i = 0; i < draft.Models?.Count; i++)
        {
            StoredModelAccessPolicies.CheckModel($"models[{i}]", draft.Models[i]);
        }

        await CheckSubjectAsync(db, draft.Subject, cancellationToken);
    }

    private static async Task CheckSubjectAsync(ObotDb db, RuleSubject? subject, CancellationToken cancellationToken)
    {
        if (subject is null || !BudgetSubjectTypes.All.Contains(subject.Type, StringComparer.Ordinal))
        {
            throw new InvalidInputException("subject.type", $"Must be one of {string.Join(", ", BudgetSubjectTypes.All)}.");
        }

        var id = subject.Id;
        var exists = subject.Type switch
        {
            BudgetSubjectTypes.Everyone => id == Each,
            BudgetSubjectTypes.User => id == Each || await db.Users.AnyAsync(row => row.Id == id, cancellationToken),
            BudgetSubjectTypes.Group => await db.Groups.AnyAsync(row => row.Id == id, cancellationToken),
            BudgetSubjectTypes.Key => id == Each || await db.ApiKeys.AnyAsync(row => row.Id == id, cancellationToken),
            _ => id == Each || await db.Models.AnyAsync(row => row.Id == id || row.Name == id, cancellationToken),
        };
        if (!exists)
        {
            throw new InvalidInputException("subject.id", $"There is no {subject.Type} '{id}'.");
        }
    }
}
