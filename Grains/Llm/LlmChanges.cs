using System.Linq.Expressions;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Llm;

/// <summary>Changes of what administrators keep for the LLM gateway: each in one transaction with its announcement to every silo.</summary>
internal static class LlmChanges
{
    /// <param name="row">What was added or changed.</param>
    /// <param name="what">For the refusal, e.g. <c>Budget 'lb1…'</c>.</param>
    /// <exception cref="ConflictException">Someone else changed it in between.</exception>
    public static async Task SaveAsync(this ObotDb db, Principal caller, object row, string id, string what, CancellationToken cancellationToken)
    {
        var action = db.Entry(row).State is EntityState.Added ? "create" : "update";
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            await db.SaveChangesAsync(cancellationToken);
            await db.WriteChangeAsync(null, caller.UserId, action, KindOf(row), id, NameOf(row, id), null, cancellationToken);
            await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"{what} was changed by someone else in the meantime. Read it again and repeat the change.");
        }
    }

    /// <returns>False when there is none.</returns>
    /// <exception cref="NotAllowedException">The caller is no administrator.</exception>
    public static async Task<bool> DeleteAsync<TRow>(this IDbContextFactory<ObotDb> databases, Principal caller, string id, Expression<Func<TRow, bool>> isIt, CancellationToken cancellationToken)
        where TRow : class
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.Set<TRow>().AsNoTracking().SingleOrDefaultAsync(isIt, cancellationToken) is not { } row || await db.Set<TRow>().Where(isIt).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.WriteChangeAsync(null, caller.UserId, "delete", KindOf(row), id, NameOf(row, id), null, cancellationToken);

        await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static string KindOf(object row) => row switch
    {
        ModelProviderRow => "model-providers",
        ModelRow => "models",
        ModelAliasRow => "default-model-aliases",
        ModelAccessPolicyRow => "model-access-policies",
        LlmBudgetRow => "llm-budgets",
        LlmMessagePolicyRow => "message-policies",
        _ => throw new ArgumentOutOfRangeException(nameof(row), row.GetType().Name, "Not of the LLM gateway."),
    };

    private static string NameOf(object row, string id) => row switch
    {
        ModelProviderRow { Name.Length: > 0 } provider => provider.Name,
        ModelRow model => model.Name,
        ModelAccessPolicyRow policy => policy.DisplayName,
        IDefinitionRow definition => JsonNode.Parse(definition.Definition)?["displayName"]?.GetValue<string>() ?? id,
        _ => id,
    };
}
