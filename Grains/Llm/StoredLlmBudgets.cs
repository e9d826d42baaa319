using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Llm;

/// <summary>Budgets in table <c>llm_budgets</c>; amounts are the grains'.</summary>
internal sealed class StoredLlmBudgets(IDbContextFactory<ObotDb> databases, IGrainFactory grains, TimeProvider time) : ILlmBudgets
{
    private const int Most = 1000;
    private const string Each = "*";

    public async Task<LlmBudgetView> Create(Principal caller, NewLlmBudget request, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await CheckAsync(db, request, cancellationToken);
        if (await db.LlmBudgets.CountAsync(cancellationToken) >= Most)
        {
            throw new ConflictException($"There are {Most} budgets already. One with the id '*' gives each user, key or model one of their own.");
        }

        var now = time.Now();
        var row = new LlmBudgetRow { Id = RandomId.New("lb1"), Definition = LlmJson.Write(request), Revision = 1, CreatedAt = now, UpdatedAt = now };
        db.LlmBudgets.Add(row);
        await SaveAsync(db, row.Id, cancellationToken);
        return View(row);
    }

    public async Task<IReadOnlyList<LlmBudgetView>> List(Principal caller, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. (await db.LlmBudgets.AsNoTracking().OrderBy(row => row.CreatedAt).ToListAsync(cancellationToken)).Select(View)];
    }

    public async Task<LlmBudgetView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.LlmBudgets.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? View(row) : null;
    }

    public async Task<LlmBudgetView?> Update(Principal caller, string id, NewLlmBudget request, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.LlmBudgets.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        await CheckAsync(db, request, cancellationToken);
        (row.Definition, row.Revision, row.UpdatedAt) = (LlmJson.Write(request), row.Revision + 1, time.Now());
        try
        {
            await SaveAsync(db, id, cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Budget '{id}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        return View(row);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.LlmBudgets.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

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

    private static async Task CheckAsync(ObotDb db, NewLlmBudget request, CancellationToken cancellationToken)
    {
        StoredModelAccessPolicies.CheckDisplayName(request.DisplayName);
        if (!BudgetPeriods.All.Contains(request.Period, StringComparer.Ordinal))
        {
            throw new InvalidInputException("period", $"Must be one of {string.Join(", ", BudgetPeriods.All)}.");
        }

        if (request is { Tokens: null, Usd: null, RequestsPerMinute: null })
        {
            throw new InvalidInputException("tokens", "A budget limits something: 'tokens', 'usd' or 'requestsPerMinute'.");
        }

        if (request.Tokens is < 0 || request.Usd is < 0 or > 1_000_000_000 || request.RequestsPerMinute is < 0)
        {
            throw new InvalidInputException(request.Tokens is < 0 ? "tokens" : request.RequestsPerMinute is < 0 ? "requestsPerMinute" : "usd", "Must be 0 or more.");
        }

        for (var i = 0; i < request.Models?.Count; i++)
        {
            StoredModelAccessPolicies.CheckModel($"models[{i}]", request.Models[i]);
        }

        await CheckSubjectAsync(db, request.Subject, cancellationToken);
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

    private static async Task SaveAsync(ObotDb db, string id, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
