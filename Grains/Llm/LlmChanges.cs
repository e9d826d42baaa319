using System.Linq.Expressions;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Llm;

/// <summary>Changes of what administrators keep for the LLM gateway: each in one transaction with its announcement to every silo.</summary>
internal static class LlmChanges
{
    /// <param name="what">For the refusal, e.g. <c>Budget 'lb1…'</c>.</param>
    /// <exception cref="ConflictException">Someone else changed it in between.</exception>
    public static async Task SaveAsync(this ObotDb db, string id, string what, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
            await db.SaveChangesAsync(cancellationToken);
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
        if (await db.Set<TRow>().Where(isIt).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.AnnounceAsync(SecurityChangeKinds.Llm, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }
}
