using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.IdentityProviders;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Identity;

namespace Obot.Grains.IdentityProviders;

/// <summary>Providers in table <c>auth_providers</c>, and beside them those of configuration.</summary>
internal sealed class StoredAuthProviders(
    IDbContextFactory<ObotDb> databases,
    IEncryption encryption,
    ConfiguredProviders configured,
    ProviderAddresses addresses,
    ProviderChecks checks,
    IGrainFactory grains,
    TimeProvider time) : IAuthProviders
{
    private const string Kind = "auth-providers";
    private const int Most = 100;
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    public async Task<IReadOnlyList<AuthProviderView>> List(Principal caller, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.AuthProviders.AsNoTracking().OrderBy(row => row.Id).Take(Most).ToListAsync(cancellationToken);
        var last = await db.UserIdentities.GroupBy(row => row.ProviderId).Select(group => new { group.Key, At = group.Max(row => row.LastSignInAt) })
            .ToDictionaryAsync(pair => pair.Key, pair => pair.At, StringComparer.Ordinal, cancellationToken);
        return
        [
            .. configured.All.Select(provider => View(provider, row: null, last)),
            .. rows.Where(row => configured.Find(row.Id) is null).Select(row => View(Read(row), row, last)),
        ];
    }

    public async Task<AuthProviderView?> Find(Principal caller, string id, CancellationToken cancellationToken) =>
        (await List(caller, cancellationToken)).FirstOrDefault(view => view.Id == id);

    public async Task<AuthProviderView> Create(Principal caller, AuthProviderDraft draft, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        var provider = AuthProviderRules.Complete(draft, secret: null, addresses.PublicUrl);
        CheckNotConfigured(provider.Id);
        var now = time.Now();
        var row = new AuthProviderRow
        {
            Id = provider.Id, Kind = "", Name = "", Enabled = provider.Enabled, Settings = "{}", Revision = 1, CreatedAt = now, UpdatedAt = now,
        };
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.AuthProviders.CountAsync(cancellationToken) >= Most)
        {
            throw new ConflictException($"There are {Most} identity providers already.");
        }

        Write(row, provider);
        db.AuthProviders.Add(row);
        db.NoteChange(row.CreatedAt, caller.UserId, "create", Kind, row.Id, row.Name);
        try
        {
            await SaveAsync(db, provider.Id, cancellationToken);
        }
        catch (DbUpdateException e) when (e.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            throw new ConflictException($"There is an identity provider '{provider.Id}' already.");
        }

        return View(provider, row, new(StringComparer.Ordinal));
    }

    public async Task<AuthProviderView?> Update(Principal caller, string id, AuthProviderDraft draft, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        CheckNotConfigured(id);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.AuthProviders.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        var before = Read(row);
        var after = AuthProviderRules.Complete(draft with { Id = id }, before.Secret, addresses.PublicUrl);
        if (draft.ClientSecret is null && before.Secret.Length > 0 && after.Authority != before.Authority)
        {
            // whoever may point a provider elsewhere must not be able to have the old secret sent there
            throw new InvalidInputException("clientSecret", "Required when the authority changes: the secret that is kept belongs to the old one.");
        }

        Write(row, after);
        (row.Revision, row.UpdatedAt) = (row.Revision + 1, time.Now());
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, row.Id, row.Name);
        try
        {
            await SaveAsync(db, id, cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException("Someone else changed this identity provider in between. Read it again and repeat the change.");
        }

        return View(after, row, new(StringComparer.Ordinal));
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        CheckNotConfigured(id);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.AuthProviders.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.WriteChangeAsync(time.Now(), caller.UserId, "delete", Kind, id, id, null, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.AuthProvider, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<AuthProviderTest> Test(Principal caller, AuthProviderDraft draft, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        var saved = configured.Find(draft.Id) ?? await StoredAsync(draft.Id, cancellationToken);
        var provider = AuthProviderRules.Complete(draft, secret: null, addresses.PublicUrl);
        if (draft.ClientSecret is null && saved is { Secret.Length: > 0 })
        {
            provider = provider.Authority == saved.Authority
                ? provider with { Secret = saved.Secret }
                : throw new InvalidInputException("clientSecret", "Required when the authority changes: the secret that is kept belongs to the old one.");
        }

        var findings = await checks.RunAsync(provider, addresses.RedirectUri(provider.Id), cancellationToken);
        var testId = RandomId.New("st1") + RandomId.New("");
        await grains.GetGrain<ISignInTestGrain>(testId).Start(Draft.Of(provider), caller.UserId);
        return new(findings, addresses.TestUrl(provider.Id, testId));
    }

    /// <summary>Null when there is no such row.</summary>
    internal async Task<AuthProvider?> StoredAsync(string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.AuthProviders.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } row ? Read(row) : null;
    }

    private static async Task SaveAsync(ObotDb db, string id, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.AuthProvider, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private void Write(AuthProviderRow row, AuthProvider provider)
    {
        row.Kind = provider.Kind is AuthProviderKind.GitHub ? "github" : "oidc";
        row.Name = provider.Name;
        row.Enabled = provider.Enabled;
        row.Settings = JsonSerializer.Serialize(provider.Settings, Json);
        row.Secret = provider.Secret.Length == 0 ? null : encryption.Encrypt(Place(row.Id), Encoding.UTF8.GetBytes(provider.Secret));
    }

    private AuthProvider Read(AuthProviderRow row) => new(
        row.Id,
        row.Kind == "github" ? AuthProviderKind.GitHub : AuthProviderKind.Oidc,
        row.Name,
        row.Enabled,
        JsonSerializer.Deserialize<AuthProviderSettings>(row.Settings, Json)!,
        row.Secret is null ? "" : Encoding.UTF8.GetString(encryption.Decrypt(Place(row.Id), row.Secret)));

    private AuthProviderView View(AuthProvider provider, AuthProviderRow? row, Dictionary<string, DateTimeOffset> last) => new()
    {
        Id = provider.Id,
        Kind = provider.Kind,
        Name = provider.Name,
        Enabled = provider.Enabled,
        Settings = provider.Settings,
        HasSecret = provider.Secret.Length > 0,
        FromConfiguration = row is null,
        RedirectUri = addresses.RedirectUri(provider.Id),
        CreatedAt = row?.CreatedAt,
        UpdatedAt = row?.UpdatedAt,
        LastSignInAt = last.TryGetValue(provider.Id, out var at) ? at : null,
    };

    private void CheckNotConfigured(string id)
    {
        if (configured.Find(id) is not null)
        {
            throw new ConflictException($"'{id}' is set by configuration (Obot:Auth:Providers:{id}) and is changed there.");
        }
    }

    private static SecretPlace Place(string id) => new("auth_providers", id, "secret");
}
