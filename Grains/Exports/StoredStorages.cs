using System.Text;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Exports.Targets;

namespace Obot.Grains.Exports;

/// <summary>Table <c>storage_credentials</c>.</summary>
internal sealed class StoredStorages(IDbContextFactory<ObotDb> databases, ExportTargets targets, TimeProvider time) : IStorages
{
    public const string Default = "default";
    private const string Kind = "storage-credentials";

    public async Task<StorageView> Create(Principal caller, NewStorage request, CancellationToken cancellationToken)
    {
        ExportRules.CheckManagesStorage(caller);
        var settings = ExportRules.Check(request);
        var now = time.Now();
        var row = new StorageRow { Id = RandomId.New("sc1"), Name = settings.Name!, Settings = "", CreatedBy = caller.UserId, Revision = 1, CreatedAt = now, UpdatedAt = now };
        targets.Write(row, settings, Given(request.SecretAccessKey));
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        db.Storages.Add(row);
        db.NoteChange(now, caller.UserId, "create", Kind, row.Id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return View(row);
    }

    public async Task<IReadOnlyList<StorageView>> List(Principal caller, CancellationToken cancellationToken)
    {
        ExportRules.CheckExports(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return [.. (await db.Storages.AsNoTracking().OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).ToListAsync(cancellationToken)).Select(View)];
    }

    public async Task<StorageView?> Update(Principal caller, string id, NewStorage request, CancellationToken cancellationToken)
    {
        ExportRules.CheckManagesStorage(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Storages.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        var (settings, before) = (ExportRules.Check(request), ExportTargets.Settings(row));
        if (request.SecretAccessKey is null && row.Secret is not null && (settings.Endpoint != before.Endpoint || settings.AccessKeyID != before.AccessKeyID))
        {
            throw new InvalidInputException("secretAccessKey", "Required when endpoint or access key change: the secret that is kept belongs to the old ones.");
        }

        targets.Write(row, settings, Given(request.SecretAccessKey) ?? targets.Secret(row));
        (row.Name, row.Revision, row.UpdatedAt) = (settings.Name!, row.Revision + 1, time.Now());
        db.NoteChange(row.UpdatedAt, caller.UserId, "update", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return View(row);
    }

    public async Task<bool> Delete(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckManagesStorage(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Storages.SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return false;
        }

        if (id == Default || await db.ExportSchedules.AnyAsync(one => one.StorageId == id, cancellationToken)
            || await db.Exports.AnyAsync(one => one.StorageId == id && (one.State == ExportStates.Pending || one.State == ExportStates.Running), cancellationToken))
        {
            throw new ConflictException(id == Default ? "The directory of the silo is built in." : "A schedule or an unfinished export goes there. Remove it first.");
        }

        db.Storages.Remove(row);
        db.NoteChange(time.Now(), caller.UserId, "delete", Kind, id, row.Name);
        await db.SaveChangesAsync(cancellationToken);
        return true;
    }

    public async Task<StorageTest?> Test(Principal caller, string id, CancellationToken cancellationToken)
    {
        ExportRules.CheckManagesStorage(caller);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await db.Storages.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is not { } row)
        {
            return null;
        }

        using var target = targets.Open(row);
        return await TestAsync(target, cancellationToken);
    }

    public async Task<StorageTest> Test(Principal caller, NewStorage request, CancellationToken cancellationToken)
    {
        ExportRules.CheckManagesStorage(caller);
        using var target = targets.Open(ExportRules.Check(request), Given(request.SecretAccessKey));
        return await TestAsync(target, cancellationToken);
    }

    private static async Task<StorageTest> TestAsync(IExportTarget target, CancellationToken cancellationToken)
    {
        var key = $"{ExportRules.DefaultPrefix}/obot-test-{Guid.CreateVersion7():N}";
        var content = Encoding.UTF8.GetBytes(key);
        var step = "write";
        try
        {
            await target.WriteAsync(key, content, cancellationToken);
            step = "read";
            var isSame = (await target.ReadAsync(key, cancellationToken)).AsSpan().SequenceEqual(content);
            step = "delete";
            await target.DeleteAsync(key, cancellationToken);
            return isSame ? new(true, null, null) : new(false, "read", "What came back is not what was written.");
        }
        catch (ExportTargetException e)
        {
            return new(false, step, e.Message);
        }
    }

    private static string? Given(string? secret) => string.IsNullOrEmpty(secret) ? null : secret;

    private static StorageView View(StorageRow row) => new(row.Id, ExportTargets.Settings(row) with { Name = row.Name }, row.Secret is not null, row.CreatedBy, row.Revision, row.CreatedAt, row.UpdatedAt);
}
