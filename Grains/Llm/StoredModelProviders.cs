using System.Text;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Grains.Llm;

/// <summary>Providers in table <c>model_providers</c>; every change is announced in its transaction.</summary>
internal sealed class StoredModelProviders(IDbContextFactory<ObotDb> databases, ProviderSecrets secrets, ModelDiscovery discovery, TimeProvider time) : IModelProviders
{
    private const int Most = 100;

    public async Task<IReadOnlyList<ModelProviderView>> List(Principal caller, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.ModelProviders.AsNoTracking().OrderBy(row => row.Id).Take(Most).ToListAsync(cancellationToken);
        var counts = await db.Models.GroupBy(row => row.ProviderId).Select(group => new { group.Key, Count = group.Count() })
            .ToDictionaryAsync(pair => pair.Key, pair => pair.Count, StringComparer.Ordinal, cancellationToken);
        return [.. rows.Select(row => View(row, counts.GetValueOrDefault(row.Id)))];
    }

    public async Task<ModelProviderView?> Find(Principal caller, string id, CancellationToken cancellationToken) =>
        (await List(caller, cancellationToken)).FirstOrDefault(view => view.Id == id);

    public async Task<ModelProviderView> Create(Principal caller, ModelProviderDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        var provider = ProviderRules.Complete(draft, kept: null);
        var found = await discovery.ListAsync(provider, cancellationToken);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.ModelProviders.CountAsync(cancellationToken) >= Most)
        {
            throw new ConflictException($"There are {Most} providers of models already.");
        }

        var now = time.Now();
        var row = new ModelProviderRow
        {
            Id = provider.Id, Kind = provider.Kind, Name = "", BaseUrl = "", Enabled = true, Settings = "{}", Revision = 1, CreatedAt = now, UpdatedAt = now,
        };
        Fill(row, provider, draft);
        db.ModelProviders.Add(row);
        row.DiscoveredAt = now;
        AddModels(db, provider.Id, found, [], now);
        try
        {
            await db.SaveAsync(caller, row, provider.Id, "Provider", cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            throw new ConflictException($"There is a provider '{provider.Id}' already.");
        }

        return View(row, found.Count);
    }

    public async Task<ModelProviderView?> Update(Principal caller, string id, ModelProviderDraft draft, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.ModelProviders.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        var provider = ProviderRules.Complete(draft, secrets.Read(row));

        // switching off must work while the provider does not
        var found = draft.Enabled ? await discovery.ListAsync(provider, cancellationToken) : null;
        Fill(row, provider, draft);
        return await MergeAsync(caller, db, row, found, null, cancellationToken);
    }

    public Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken) => databases.DeleteAsync<ModelProviderRow>(caller, id, row => row.Id == id, cancellationToken);

    public async Task<ModelProviderView?> Refresh(Principal caller, string id, CancellationToken cancellationToken)
    {
        LlmAdministrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.ModelProviders.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        try
        {
            return await MergeAsync(caller, db, row, await discovery.ListAsync(secrets.Read(row), cancellationToken), null, cancellationToken);
        }
        catch (InvalidInputException e)
        {
            return await MergeAsync(caller, db, row, null, e.Message, cancellationToken);
        }
    }

    private async Task<ModelProviderView> MergeAsync(Principal caller, ObotDb db, ModelProviderRow row, IReadOnlyList<string>? found, string? error, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var known = await db.Models.Where(model => model.ProviderId == row.Id).ToListAsync(cancellationToken);
        var added = 0;
        if (found is { Count: > 0 })
        {
            added = AddModels(db, row.Id, found, known, now);
            foreach (var gone in known.Where(model => model.Active && !found.Contains(model.Target, StringComparer.Ordinal)))
            {
                (gone.Active, gone.UpdatedAt) = (false, now);
            }
        }

        if (found is not null || error is not null)
        {
            (row.DiscoveredAt, row.DiscoveryError) = (now, error);
        }

        (row.Revision, row.UpdatedAt) = (row.Revision + 1, now);
        await db.SaveAsync(caller, row, row.Id, $"Provider '{row.Id}'", cancellationToken);
        return View(row, known.Count + added);
    }

    private static int AddModels(ObotDb db, string providerId, IReadOnlyList<string> found, List<ModelRow> known, DateTimeOffset now)
    {
        var fresh = found.Except(known.Select(model => model.Target), StringComparer.Ordinal).ToList();
        db.Models.AddRange(fresh.Select(target => new ModelRow
        {
            Id = RandomId.New("m1"), ProviderId = providerId, Target = target, Name = target, Usage = ModelNames.UsageOf(target), Active = true, CreatedAt = now, UpdatedAt = now,
        }));
        return fresh.Count;
    }

    private void Fill(ModelProviderRow row, LlmProvider provider, ModelProviderDraft draft)
    {
        row.Name = draft.Name ?? (row.Name.Length > 0 ? row.Name : provider.Id);
        row.BaseUrl = provider.BaseUrl;
        row.Enabled = draft.Enabled;
        row.Settings = LlmJson.Write(provider.Settings);
        row.Secret = secrets.Seal(provider);
    }

    private ModelProviderView View(ModelProviderRow row, int models)
    {
        var provider = secrets.Read(row);
        return new()
        {
            Id = row.Id,
            Name = row.Name,
            Kind = row.Kind,
            BaseURL = row.BaseUrl,
            Enabled = row.Enabled,
            Settings = provider.Settings,
            Credentials = [.. provider.Credentials.Keys.Order(StringComparer.Ordinal)],
            Configured = ProviderRules.Missing(provider) is null,
            ModelCount = models,
            DiscoveredAt = row.DiscoveredAt,
            DiscoveryError = row.DiscoveryError,
            Revision = row.Revision,
            CreatedAt = row.CreatedAt,
            UpdatedAt = row.UpdatedAt,
        };
    }
}

/// <summary>Credentials of providers between memory and column <c>secret</c>.</summary>
internal sealed class ProviderSecrets(IEncryption encryption)
{
    public byte[]? Seal(LlmProvider provider) =>
        provider.Credentials.Count == 0 ? null : encryption.Encrypt(Place(provider.Id), Encoding.UTF8.GetBytes(LlmJson.Write(provider.Credentials)));

    public LlmProvider Read(ModelProviderRow row) => new()
    {
        Id = row.Id,
        Kind = row.Kind,
        BaseUrl = row.BaseUrl,
        Settings = LlmJson.Read<ModelProviderSettings>(row.Settings),
        Credentials = row.Secret is null
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : LlmJson.Read<Dictionary<string, string>>(Encoding.UTF8.GetString(encryption.Decrypt(Place(row.Id), row.Secret))),
        Revision = row.Revision,
        CreatedAt = row.CreatedAt,
    };

    private static SecretPlace Place(string id) => new("model_providers", id, "secret");
}

/// <summary>Who manages providers, models, policies and budgets.</summary>
internal static class LlmAdministrators
{
    /// <exception cref="NotAllowedException">The caller is none, or holds a credential that is bound to some servers.</exception>
    public static void Check(Principal caller)
    {
        if (caller.Role < Role.Admin || caller.ServerIds is not null)
        {
            throw new NotAllowedException($"Providers, models, their policies and budgets need role 'admin' or 'owner' and a credential that is not bound to some servers; your role is '{caller.Role.Text()}'.");
        }
    }
}
