using Microsoft.EntityFrameworkCore;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Models in table <c>models</c>.</summary>
internal sealed class StoredModels(IDbContextFactory<ObotDb> databases, LlmDirectory directory, TimeProvider time) : IModels
{
    private const int MaxName = 200;

    public async Task<Page<ModelView>> List(Principal caller, string? provider, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = await SeenAsync(db, caller, cancellationToken);
        if (provider is not null)
        {
            query = query.Where(row => row.ProviderId == provider);
        }

        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new([.. rows.Take(limit).Select(View)], next);
    }

    public async Task<ModelView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await (await SeenAsync(db, caller, cancellationToken)).SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? View(row) : null;
    }

    public async Task<ModelView> Create(Principal caller, ModelDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        CheckName("targetModel", draft.TargetModel);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (draft.ModelProvider is not { } provider || !await db.ModelProviders.AnyAsync(row => row.Id == provider, cancellationToken))
        {
            throw new InvalidInputException("modelProvider", "Must be the id of a provider: see /api/model-providers.");
        }

        var now = time.Now();
        var row = new ModelRow
        {
            Id = RandomId.New("m1"), ProviderId = provider, Target = draft.TargetModel!, Name = draft.TargetModel!, Usage = ModelNames.UsageOf(draft.TargetModel!), Active = true, CreatedAt = now, UpdatedAt = now,
        };
        Fill(row, draft);
        db.Models.Add(row);
        try
        {
            await db.SaveAsync(caller, row, row.Id, "Model", cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            throw new ConflictException($"Provider '{provider}' has a model '{draft.TargetModel}' already.");
        }

        return View(row);
    }

    public async Task<ModelView?> Update(Principal caller, string id, ModelDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Models.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        if (draft.ModelProvider is { } provider && provider != row.ProviderId)
        {
            throw new InvalidInputException("modelProvider", $"Stays '{row.ProviderId}'.");
        }

        if (draft.TargetModel is { } target && target != row.Target)
        {
            throw new InvalidInputException("targetModel", $"Stays '{row.Target}'.");
        }

        Fill(row, draft);
        row.UpdatedAt = time.Now();
        await db.SaveAsync(caller, row, id, $"Model '{id}'", cancellationToken);
        return View(row);
    }

    public Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken) => databases.DeleteAsync<ModelRow>(caller, id, row => row.Id == id, cancellationToken);

    /// <summary>Administrators see everything, others what they may use.</summary>
    private async Task<IQueryable<ModelRow>> SeenAsync(ObotDb db, Principal caller, CancellationToken cancellationToken)
    {
        var all = db.Models.AsNoTracking();
        if (caller.Role >= Role.Admin)
        {
            return all;
        }

        var usable = await directory.UsableAsync(caller, cancellationToken);
        return all.Where(row => usable.Contains(row.Id));
    }

    private static void Fill(ModelRow row, ModelDraft draft)
    {
        if (draft.Name is not null)
        {
            CheckName("name", draft.Name);
            row.Name = draft.Name;
        }

        if (draft.Usage is { } usage)
        {
            row.Usage = ModelUsages.All.Contains(usage, StringComparer.Ordinal)
                ? usage
                : throw new InvalidInputException("usage", $"Must be one of {string.Join(", ", ModelUsages.All)}.");
        }

        if (draft.Prices is { } prices)
        {
            row.Prices = prices is { Input: >= 0 and < 1_000_000, Output: >= 0 and < 1_000_000, CachedInput: null or (>= 0 and < 1_000_000) }
                ? LlmJson.Write(prices)
                : throw new InvalidInputException("prices", "Must be US dollars for a million tokens: {\"input\": 3, \"output\": 15, \"cachedInput\": 0.3}.");
        }

        row.Active = draft.Active ?? row.Active;
    }

    internal static void CheckName(string field, string? name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxName || name.Contains('*', StringComparison.Ordinal) || name.Any(char.IsControl))
        {
            throw new InvalidInputException(field, $"Must be a name of 1 to {MaxName} characters without '*' and control characters.");
        }
    }

    private static ModelView View(ModelRow row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        TargetModel = row.Target,
        ModelProvider = row.ProviderId,
        Usage = row.Usage,
        Active = row.Active,
        Prices = row.Prices is null ? null : LlmJson.Read<ModelPrices>(row.Prices),
        CreatedAt = row.CreatedAt,
        UpdatedAt = row.UpdatedAt,
    };
}
