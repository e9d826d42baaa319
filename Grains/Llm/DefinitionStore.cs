using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>What is kept as it was sent, after it was checked: one JSON document a row, few rows.</summary>
/// <param name="noun">With a capital, e.g. <c>Budget</c>.</param>
/// <param name="prefix">Of ids.</param>
/// <param name="most">Rows at most.</param>
internal abstract class DefinitionStore<TRow, TDraft, TView>(IDbContextFactory<ObotDb> databases, TimeProvider time, string noun, string prefix, int most) : IManagedList<TDraft, TView>
    where TRow : class, IDefinitionRow, new()
    where TView : class, IManagedView
{
    public async Task<TView> Create(Principal caller, TDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await CheckAsync(db, draft, cancellationToken);
        if (await db.Set<TRow>().CountAsync(cancellationToken) >= most)
        {
            throw new ConflictException($"There are {most} of them already. One may be for many: name more subjects or models in it.");
        }

        var now = time.Now();
        var row = new TRow { Id = RandomId.New(prefix), Definition = LlmJson.Write(draft), Revision = 1, CreatedAt = now, UpdatedAt = now };
        db.Add(row);
        await db.SaveAsync(caller, row, row.Id, noun, cancellationToken);
        return ViewOf(row);
    }

    public async Task<IReadOnlyList<TView>> List(Principal caller, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. (await db.Set<TRow>().AsNoTracking().OrderBy(row => row.CreatedAt).ToListAsync(cancellationToken)).Select(ViewOf)];
    }

    public async Task<TView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Set<TRow>().AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? ViewOf(row) : null;
    }

    public async Task<TView?> Update(Principal caller, string id, TDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Set<TRow>().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        await CheckAsync(db, draft, cancellationToken);
        (row.Definition, row.Revision, row.UpdatedAt) = (LlmJson.Write(draft), row.Revision + 1, time.Now());
        await db.SaveAsync(caller, row, id, $"{noun} '{id}'", cancellationToken);
        return ViewOf(row);
    }

    public Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken) => databases.DeleteAsync<TRow>(caller, id, row => row.Id == id, cancellationToken);

    /// <exception cref="InvalidInputException">A field is missing or wrong, or names what does not exist.</exception>
    protected abstract Task CheckAsync(ObotDb db, TDraft draft, CancellationToken cancellationToken);

    protected abstract TView ViewOf(TRow row);
}
