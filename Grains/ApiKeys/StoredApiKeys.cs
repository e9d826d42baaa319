using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Identity;
using Obot.Grains.Hosting;

namespace Obot.Grains.ApiKeys;

/// <summary>API keys in table <c>api_keys</c>; everyone sees their own.</summary>
internal sealed class StoredApiKeys(IDbContextFactory<ObotDb> databases, IUserDirectory users, IApiKeyUsage usage, TimeProvider time) : IApiKeys
{
    private const string Kind = "api-keys";

    public async Task<CreatedApiKey> Create(Principal caller, NewApiKey request, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await CreateAsync(db, caller, caller.UserId, request, cancellationToken);
    }

    public async Task<CreatedApiKey?> CreateFor(Principal caller, string serviceAccountId, NewApiKey request, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var locked = await LockedUsers.TakeAsync(db, caller, serviceAccountId, cancellationToken);
        if (locked.Target is not { } account || account.KindOf() is not UserKind.Service)
        {
            return null;
        }

        if (account.RoleOf() > locked.Actor || (account.Auditor && !caller.Auditor && locked.Actor < Role.Owner))
        {
            throw new NotAllowedException($"'{account.Name}' may do more than you: a key of it must be made by someone with its role and add-ons.");
        }

        var created = await CreateAsync(db, caller, account.Id, request, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return created;
    }

    private async Task<CreatedApiKey> CreateAsync(ObotDb db, Principal caller, string userId, NewApiKey request, CancellationToken cancellationToken)
    {
        var now = time.Now();
        var scopes = ApiKeyValidation.Check(caller, request, now);
        await CheckServersAsync(db, caller, request.McpServerIDs ?? [], cancellationToken);
        await CheckExpiryAsync(db, caller, request.ExpiresAt, cancellationToken);

        var id = RandomId.New(ApiKeyFormat.IdPrefix);
        var key = ApiKeyFormat.New(id);
        var row = new ApiKeyRow
        {
            Id = id,
            UserId = userId,
            Name = request.Name.Trim(),
            Prefix = ApiKeyFormat.PrefixOf(id),
            Hash = ApiKeyFormat.Hash(key),
            Scopes = scopes,
            ServerIds = request.McpServerIDs?.Distinct(StringComparer.Ordinal).ToArray(),
            CreatedAt = now,
            ExpiresAt = request.ExpiresAt?.ToUniversalTime(),
        };
        db.ApiKeys.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return new()
        {
            Id = row.Id,
            Name = row.Name,
            Prefix = row.Prefix,
            Scopes = row.Scopes,
            McpServerIDs = row.ServerIds,
            CreatedAt = row.CreatedAt,
            ExpiresAt = row.ExpiresAt,
            Key = key,
        };
    }

    public async Task<Page<ApiKeyView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await ListAsync(db, caller.UserId, limit, cursor, cancellationToken);
    }

    public async Task<Page<ApiKeyView>?> ListOf(Principal caller, string userId, int limit, string? cursor, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Users.AnyAsync(row => row.Id == userId, cancellationToken)
            ? await ListAsync(db, userId, limit, cursor, cancellationToken)
            : null;
    }

    private static async Task<Page<ApiKeyView>> ListAsync(ObotDb db, string userId, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var after = PageCursor.Parse(cursor);
        var query = Of(db, userId);
        if (after is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new([.. rows.Take(limit).Select(View)], next);
    }

    public async Task<ApiKeyView?> Find(Principal caller, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var row = await Of(db, caller.UserId).SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
        return row is null ? null : View(row);
    }

    public Task<bool> Revoke(Principal caller, string id, CancellationToken cancellationToken) => RevokeAsync(caller, caller.UserId, id, cancellationToken);

    public Task<bool> RevokeOf(Principal caller, string userId, string id, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        return RevokeAsync(caller, userId, id, cancellationToken);
    }

    private async Task<bool> RevokeAsync(Principal caller, string userId, string id, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var now = time.Now();
        var revoked = await db.ApiKeys
            .Where(row => row.Id == id && row.UserId == userId && row.RevokedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.RevokedAt, now), cancellationToken);
        if (revoked == 0)
        {
            return false;
        }

        var name = await db.ApiKeys.Where(row => row.Id == id).Select(row => row.Name).SingleAsync(cancellationToken);
        await db.WriteChangeAsync(now, caller.UserId, "revoke", Kind, id, name, null, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.ApiKey, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<(Principal Principal, DateTimeOffset? ExpiresAt)?> Authenticate(string key, CancellationToken cancellationToken)
    {
        if (!ApiKeyFormat.LooksLike(key))
        {
            return null;
        }

        var hash = ApiKeyFormat.Hash(key);
        var now = time.Now();
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var found = await db.ApiKeys.AsNoTracking()
            .Where(row => row.Hash == hash && row.RevokedAt == null && (row.ExpiresAt == null || row.ExpiresAt > now))
            .Select(row => new { row.Id, row.UserId, row.Scopes, row.ServerIds, row.ExpiresAt })
            .SingleOrDefaultAsync(cancellationToken);

        // a key of a user who is gone is no key
        if (found is null || await users.Find(found.UserId, cancellationToken) is not { } user)
        {
            return null;
        }

        usage.Used(found.Id);
        return (user.As(found.Id, found.Scopes, found.ServerIds), found.ExpiresAt);
    }

    private static IQueryable<ApiKeyRow> Of(ObotDb db, string userId) =>
        db.ApiKeys.AsNoTracking().Where(row => row.UserId == userId && row.RevokedAt == null);

    /// <summary>A key that soon ends must not make one that does not.</summary>
    private static async Task CheckExpiryAsync(ObotDb db, Principal caller, DateTimeOffset? expiresAt, CancellationToken cancellationToken)
    {
        var ends = await db.ApiKeys.Where(row => row.Id == caller.CredentialId).Select(row => row.ExpiresAt).SingleOrDefaultAsync(cancellationToken);
        if (ends is { } last && !(expiresAt <= last))
        {
            throw new InvalidInputException("expiresAt", $"The API key that makes this one ends at {last.UtcDateTime:yyyy-MM-ddTHH:mm:ssZ}; name a time no later than that.");
        }
    }

    private static async Task CheckServersAsync(ObotDb db, Principal caller, IReadOnlyList<string> serverIds, CancellationToken cancellationToken)
    {
        var visible = await ServerSight.VisibleAsync(db, db.Servers.AsNoTracking(), caller, cancellationToken);
        var known = await visible.Where(row => serverIds.Contains(row.Id)).Select(row => row.Id).ToListAsync(cancellationToken);
        for (var i = 0; i < serverIds.Count; i++)
        {
            if (!known.Contains(serverIds[i], StringComparer.Ordinal) || !caller.Reaches(serverIds[i]))
            {
                throw new InvalidInputException($"mcpServerIDs[{i}]", $"There is no server '{serverIds[i]}'. GET /api/mcp-servers lists those that you may name.");
            }
        }
    }

    private static ApiKeyView View(ApiKeyRow row) => new()
    {
        Id = row.Id,
        Name = row.Name,
        Prefix = row.Prefix,
        Scopes = row.Scopes,
        McpServerIDs = row.ServerIds,
        CreatedAt = row.CreatedAt,
        ExpiresAt = row.ExpiresAt,
        LastUsedAt = row.LastUsedAt,
    };
}
