using System.Globalization;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Changes;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Changes;

/// <summary>Table <c>change_log</c>, newest first.</summary>
internal sealed class StoredChangeLog(IDbContextFactory<ObotDb> databases) : IChangeLog
{
    private const string Servers = "mcp-servers";

    public async Task<Page<ChangeView>> List(Principal caller, ChangeQuery query, int limit, string? cursor, CancellationToken cancellationToken)
    {
        PageCursor.CheckLimit(limit);
        var before = cursor is not { Length: > 0 } ? long.MaxValue
            : long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id
            : throw new InvalidInputException("cursor", "Not a cursor. Send 'nextCursor' of the page before, or nothing for the first page.");
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await CheckAsync(db, caller, query, cancellationToken);
        var rows = db.Changes.AsNoTracking().Where(row => row.Id < before);
        rows = query.Kind is { } kind ? rows.Where(row => row.Kind == kind) : rows;
        rows = query.SubjectId is { } subject ? rows.Where(row => row.SubjectId == subject) : rows;
        rows = query.UserId is { } user ? rows.Where(row => row.UserId == user) : rows;
        var found = await rows.OrderByDescending(row => row.Id).Take(limit + 1)
            .Select(row => new { Row = row, Name = db.Users.Where(one => one.Id == row.UserId).Select(one => one.Name).FirstOrDefault() }).ToListAsync(cancellationToken);
        return new(
            [
                .. found.Take(limit).Select(one => new ChangeView(
                    one.Row.Id.ToString(CultureInfo.InvariantCulture), one.Row.At, one.Row.UserId, one.Name, one.Row.Kind, one.Row.SubjectId, one.Row.SubjectName, one.Row.Action,
                    one.Row.Details is null ? null : JsonSerializer.Deserialize<JsonElement>(one.Row.Details))),
            ],
            found.Count > limit ? found[limit - 1].Row.Id.ToString(CultureInfo.InvariantCulture) : null);
    }

    private static async Task CheckAsync(ObotDb db, Principal caller, ChangeQuery query, CancellationToken cancellationToken)
    {
        var isOwn = query is { Kind: Servers, SubjectId: { } id } && caller.Reaches(id) && await db.Servers.AnyAsync(row => row.Id == id && row.OwnerId == caller.UserId, cancellationToken);
        if (!isOwn && (caller.Role < Role.Admin || caller.ServerIds is not null))
        {
            throw new NotAllowedException("Changes are read by administrators, and those of one server ('kind=mcp-servers' and 'subjectID') by whoever made it.");
        }
    }
}
