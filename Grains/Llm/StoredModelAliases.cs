using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Aliases in table <c>model_aliases</c>; what they name is kept by id.</summary>
internal sealed class StoredModelAliases(IDbContextFactory<ObotDb> databases, TimeProvider time) : IModelAliases
{
    private const int MaxTargets = 50;
    private const int MaxAliases = 500;

    public async Task<IReadOnlyList<ModelAliasView>> List(Principal caller, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. (await db.ModelAliases.AsNoTracking().OrderBy(row => row.Alias).ToListAsync(cancellationToken)).Select(View)];
    }

    public async Task<ModelAliasView?> Find(Principal caller, string alias, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.ModelAliases.AsNoTracking().SingleOrDefaultAsync(row => row.Alias == alias, cancellationToken) is { } row ? View(row) : null;
    }

    public async Task<(ModelAliasView View, bool Created)> Set(Principal caller, ModelAliasDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        StoredModels.CheckName("alias", draft.Alias);
        var wanted = draft.Targets ?? (draft.Model is { } one ? [new(one)] : []);
        if (wanted.Count is 0 or > MaxTargets)
        {
            throw new InvalidInputException(draft.Targets is null ? "model" : "targets", $"Must name one model, or 1 to {MaxTargets} targets.");
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var targets = new List<ModelAliasTarget>();
        for (var i = 0; i < wanted.Count; i++)
        {
            targets.Add(await CheckAsync(db, wanted[i], draft.Targets is null ? "model" : $"targets[{i}].model", $"targets[{i}]", cancellationToken));
        }

        var row = await db.ModelAliases.SingleOrDefaultAsync(row => row.Alias == draft.Alias, cancellationToken);
        var isNew = row is null;
        if (row is null)
        {
            if (await db.ModelAliases.CountAsync(cancellationToken) >= MaxAliases)
            {
                throw new ConflictException($"There are {MaxAliases} aliases already.");
            }

            row = new() { Alias = draft.Alias!, Targets = "", UpdatedAt = default };
            db.ModelAliases.Add(row);
        }

        (row.Targets, row.UpdatedAt) = (LlmJson.Write(targets), time.Now());
        await db.SaveAsync(caller, row, row.Alias, $"Alias '{row.Alias}'", cancellationToken);
        return (View(row), isNew);
    }

    public Task<bool> Delete(Principal caller, string alias, CancellationToken cancellationToken) => databases.DeleteAsync<ModelAliasRow>(caller, alias, row => row.Alias == alias, cancellationToken);

    private static async Task<ModelAliasTarget> CheckAsync(ObotDb db, ModelAliasTarget target, string field, string item, CancellationToken cancellationToken)
    {
        if (target.Weight is < 0 or > 1000 || target.Order is < 0 or > 1000)
        {
            throw new InvalidInputException(item, "'weight' and 'order' must be whole numbers from 0 to 1000.");
        }

        var name = target.Model;
        var found = await db.Models.AsNoTracking().Where(row => row.Id == name || row.Name == name || row.ProviderId + "/" + row.Target == name)
            .OrderByDescending(row => row.Id == name).ThenBy(row => row.CreatedAt).FirstOrDefaultAsync(cancellationToken);
        return found is null ? throw new InvalidInputException(field, $"There is no model '{name}'.") : target with { Model = found.Id };
    }

    private static ModelAliasView View(ModelAliasRow row)
    {
        var targets = LlmJson.Read<List<ModelAliasTarget>>(row.Targets);
        return new(row.Alias, targets is [var one] ? one.Model : null, targets, row.UpdatedAt);
    }
}
