using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Filters;

/// <summary>Filters in table <c>mcp_webhook_validations</c>; every change is announced in its transaction.</summary>
internal sealed class StoredFilters(IDbContextFactory<ObotDb> databases, IEncryption encryption, FilterTrials trials, TimeProvider time) : IFilters
{
    private const string Kind = "mcp-webhook-validations";

    public async Task<FilterView> Create(Principal caller, NewFilter request, CancellationToken cancellationToken)
    {
        Check(caller);
        FilterValidation.Check(request);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await FilterValidation.CheckNamesAsync(db, request, null, cancellationToken);
        if (await db.Filters.CountAsync(cancellationToken) >= FilterLimits.MaxFilters)
        {
            throw new ConflictException($"There are {FilterLimits.MaxFilters} filters already. Delete some, or give one more selectors.");
        }

        var row = New(caller);
        FilterMapping.Fill(row, request);
        row.Secret = Seal(row.Id, request.Secret);
        db.Filters.Add(row);
        db.NoteChange(row.CreatedAt, caller.UserId, "create", Kind, row.Id, row.Name);
        await SaveAsync(db, row.Id, cancellationToken);
        return FilterMapping.View(row);
    }

    public async Task<Page<FilterView>> List(Principal caller, int limit, string? cursor, CancellationToken cancellationToken)
    {
        Check(caller);
        PageCursor.CheckLimit(limit);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var query = db.Filters.AsNoTracking();
        if (PageCursor.Parse(cursor) is { } position)
        {
            var (at, id) = (position.CreatedAt, position.Id);
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        var next = rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null;
        return new([.. rows.Take(limit).Select(FilterMapping.View)], next);
    }

    public async Task<FilterView?> Find(Principal caller, string id, CancellationToken cancellationToken) =>
        await ReadAsync(caller, id, cancellationToken) is { } row ? FilterMapping.View(row) : null;

    public async Task<FilterView?> Update(Principal caller, string id, NewFilter request, CancellationToken cancellationToken)
    {
        Check(caller);
        FilterValidation.Check(request);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Filters.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        await FilterValidation.CheckNamesAsync(db, request, row, cancellationToken);
        FilterMapping.Fill(row, request);
        row.Secret = row.Kind != FilterKinds.Webhook ? null : request.Secret is null ? row.Secret : Seal(id, request.Secret);
        row.Revision++;
        row.UpdatedAt = time.Now();
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.Name);
        try
        {
            await SaveAsync(db, id, cancellationToken);
        }
        catch (DbUpdateConcurrencyException)
        {
            throw new ConflictException($"Filter '{id}' was changed by someone else in the meantime. Read it again and repeat the change.");
        }

        return FilterMapping.View(row);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        if (await db.Filters.Where(row => row.Id == id).Select(row => row.Name).SingleOrDefaultAsync(cancellationToken) is not { } name
            || await db.Filters.Where(row => row.Id == id).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            return false;
        }

        await db.WriteChangeAsync(time.Now(), caller.UserId, "delete", Kind, id, name, null, cancellationToken);

        await db.AnnounceAsync(SecurityChangeKinds.Filter, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    public async Task<FilterTestResult?> Test(Principal caller, string id, FilterTest request, CancellationToken cancellationToken) =>
        await ReadAsync(caller, id, cancellationToken) is { } row ? await trials.RunAsync(caller, row, request, cancellationToken) : null;

    public async Task<IReadOnlyList<RuleChoice>> Servers(Principal caller, CancellationToken cancellationToken)
    {
        Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Servers.OrderBy(row => row.Name).Take(AccessRuleLimits.MaxNames).Select(row => new RuleChoice(row.Id, row.Name)).ToListAsync(cancellationToken);
    }

    private async Task<FilterRow?> ReadAsync(Principal caller, string id, CancellationToken cancellationToken)
    {
        Check(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Filters.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken);
    }

    private string? Seal(string id, string? secret) => string.IsNullOrEmpty(secret) ? null : encryption.EncryptText(FilterMapping.Place(id), secret);

    private FilterRow New(Principal caller)
    {
        var now = time.Now();
        return new()
        {
            Id = RandomId.New("mwv1"),
            Name = "",
            Kind = "",
            Everything = false,
            ServerIds = [],
            EntryIds = [],
            CatalogIds = [],
            Selectors = "[]",
            OnRequest = false,
            OnResponse = false,
            AllowedToMutate = false,
            Disabled = false,
            Position = 0,
            TimeoutSeconds = 0,
            CreatedBy = caller.UserId,
            Revision = 1,
            CreatedAt = now,
            UpdatedAt = now,
        };
    }

    /// <summary>A filter sees everybody's messages: a credential for some servers must not make one.</summary>
    private static void Check(Principal caller)
    {
        if (caller.Role < Role.Admin || caller.ServerIds is not null)
        {
            throw new NotAllowedException("Filters are managed by administrators, with a credential that is not restricted to some servers.");
        }
    }

    private static async Task SaveAsync(ObotDb db, string id, CancellationToken cancellationToken)
    {
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.SaveChangesAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Filter, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
