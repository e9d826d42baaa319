using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Files;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;
using Obot.Grains.Conversations;
using Obot.Grains.Projects;

namespace Obot.Grains.Files;

/// <summary>
/// Table <c>workspace_files</c> over the storage. An object is announced in <c>file_removals</c> before its upload and struck off with the row that
/// refers to it, so that a silo's death leaves nothing that the sweep does not find.
/// </summary>
internal sealed class StoredFiles(IDbContextFactory<ObotDb> databases, IFileStore store, IOptions<FileStorageOptions> options, TimeProvider time) : IWorkspaceFiles
{
    public long MaxFileBytes => options.Value.MaxFileBytes;

    public async Task<Page<WorkspaceFile>?> List(Principal caller, FileScope scope, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await PlaceAsync(db, caller, scope, cancellationToken) is not { } place)
        {
            return null;
        }

        var query = Of(db, place);
        if (PageCursor.Parse(cursor) is { CreatedAt: var at, Id: var id })
        {
            query = query.Where(row => row.CreatedAt > at || (row.CreatedAt == at && string.Compare(row.Id, id) > 0));
        }

        var rows = await query.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Take(limit + 1).ToListAsync(cancellationToken);
        return new([.. rows.Take(limit).Select(View)], rows.Count > limit ? new PageCursor(rows[limit - 1].CreatedAt, rows[limit - 1].Id).ToString() : null);
    }

    public async Task<WorkspaceFile?> Write(Principal caller, FileScope scope, string path, Stream content, CancellationToken cancellationToken)
    {
        path = FileNames.Check(path);
        var key = RandomId.New("fo1");
        long left;
        Place place;
        await using (var db = await databases.CreateDbContextAsync(cancellationToken))
        {
            if (await PlaceAsync(db, caller, scope, cancellationToken) is not { } found)
            {
                return null;
            }

            (place, key) = (Writable(found), $"{found.ProjectId}/{key}");
            left = options.Value.MaxProjectBytes - await UsedAsync(db, place, path, cancellationToken);
            db.FileRemovals.Add(new() { ObjectKey = key, DueAt = time.Now() + options.Value.UploadTimeout });
            await db.SaveChangesAsync(cancellationToken);
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(options.Value.UploadTimeout);
            await using var incoming = new IncomingContent(content, FileTypes.Of(path), Math.Min(MaxFileBytes, Math.Max(0, left)));
            await store.WriteAsync(key, incoming, limit.Token);
            return await RecordAsync(caller, place, path, key, incoming, cancellationToken);
        }
        catch
        {
            // at once instead of after the time that an upload may take
            await using var db = await databases.CreateDbContextAsync(CancellationToken.None);
            await db.FileRemovals.Where(row => row.ObjectKey == key).ExecuteUpdateAsync(set => set.SetProperty(row => row.DueAt, time.Now()), CancellationToken.None);
            throw;
        }
    }

    public async Task<OpenFile?> Open(Principal caller, FileScope scope, string path, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await PlaceAsync(db, caller, scope, cancellationToken) is { } place && await Of(db, place).SingleOrDefaultAsync(row => row.Path == path, cancellationToken) is { } row
            ? new(View(row), await store.OpenAsync(row.ObjectKey, cancellationToken))
            : null;
    }

    public async Task<bool> Delete(Principal caller, FileScope scope, string path, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        if (await PlaceAsync(db, caller, scope, cancellationToken) is not { } place)
        {
            return false;
        }

        Writable(place);
        return await db.WorkspaceFiles.Where(row => row.ProjectId == place.ProjectId && row.ConversationId == place.ThreadId && row.Path == path).ExecuteDeleteAsync(cancellationToken) > 0;
    }

    private async Task<WorkspaceFile> RecordAsync(Principal caller, Place place, string path, string key, IncomingContent content, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);

        // one at a time a project: what they have together is counted
        if (await db.Projects.FromSql($"SELECT * FROM projects WHERE id = {place.ProjectId} FOR UPDATE").AsNoTracking().SingleOrDefaultAsync(cancellationToken) is null
            || await db.FileRemovals.Where(row => row.ObjectKey == key).ExecuteDeleteAsync(cancellationToken) == 0)
        {
            throw new ConflictException("What the file belongs to was removed while it was on its way.");
        }

        if (await UsedAsync(db, place, path, cancellationToken) + content.Bytes > options.Value.MaxProjectBytes)
        {
            throw new InvalidInputException("content", $"With this file the project had more than {options.Value.MaxProjectBytes} bytes (Obot:Files:MaxProjectBytes): delete some first.");
        }

        var row = await db.WorkspaceFiles.SingleOrDefaultAsync(one => one.ProjectId == place.ProjectId && one.ConversationId == place.ThreadId && one.Path == path, cancellationToken);
        if (row is null)
        {
            row = new() { Id = RandomId.New("fi1"), ProjectId = place.ProjectId, ConversationId = place.ThreadId, Path = path, Size = 0, ContentType = "", Sha256 = [], ObjectKey = "", CreatedBy = "", CreatedAt = time.Now() };
            db.WorkspaceFiles.Add(row);
        }

        (row.Size, row.ContentType, row.Sha256, row.ObjectKey, row.CreatedBy) = (content.Bytes, FileTypes.Of(path), content.Sha256, key, caller.UserId);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return View(row);
    }

    /// <summary>All files of the project and its conversations, without the one that is replaced.</summary>
    private static async Task<long> UsedAsync(ObotDb db, Place place, string path, CancellationToken cancellationToken) =>
        await db.WorkspaceFiles.Where(row => row.ProjectId == place.ProjectId && !(row.ConversationId == place.ThreadId && row.Path == path)).SumAsync(row => row.Size, cancellationToken);

    private static IQueryable<WorkspaceFileRow> Of(ObotDb db, Place place) => db.WorkspaceFiles.AsNoTracking().Where(row => row.ProjectId == place.ProjectId && row.ConversationId == place.ThreadId);

    private static async Task<Place?> PlaceAsync(ObotDb db, Principal caller, FileScope scope, CancellationToken cancellationToken)
    {
        if (scope.ThreadId is { } thread)
        {
            return await ConversationDoor.OpenAsync(db, caller, thread, cancellationToken) is var (conversation, canWrite) ? new(conversation.ProjectId, thread, canWrite) : null;
        }

        return await db.Projects.AsNoTracking().SingleOrDefaultAsync(row => row.Id == scope.ProjectId, cancellationToken) is { } project
            && await ProjectDoor.AccessAsync(db, caller, project, cancellationToken) is { } access
                ? new(project.Id, null, access >= ProjectAccess.Edit)
                : null;
    }

    private static Place Writable(Place place) => place.CanWrite ? place : throw new NotAllowedException(place.ThreadId is null
        ? "You may read this project's files, not change them: ask its owner for 'edit'."
        : "You may read this conversation's files, not change them: they are its owner's.");

    private static WorkspaceFile View(WorkspaceFileRow row) => new()
    {
        Id = row.Id, Path = row.Path, Size = row.Size, ContentType = row.ContentType, Sha256 = Convert.ToHexStringLower(row.Sha256), CreatedBy = row.CreatedBy, CreatedAt = row.CreatedAt,
    };

    private sealed record Place(string ProjectId, string? ThreadId, bool CanWrite);
}
