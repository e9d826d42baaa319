using Microsoft.EntityFrameworkCore;
using Obot.Data.Tables;

namespace Obot.Data;

/// <summary>Writes down who changed what, in the transaction of the change.</summary>
public static class ChangeLog
{
    /// <summary>Adds a line that the caller's <c>SaveChanges</c> writes.</summary>
    /// <param name="kind">The thing as the management API names its collection, e.g. <c>mcp-servers</c>.</param>
    /// <param name="details">JSON; never anything secret.</param>
    public static void NoteChange(this ObotDb db, DateTimeOffset at, string userId, string action, string kind, string id, string name, string? details = null) =>
        db.Changes.Add(Row(at, userId, action, kind, id, name, details));

    /// <summary>The same at once, for changes that bypass <c>SaveChanges</c>.</summary>
    /// <param name="at">Null for the database's time.</param>
    public static Task WriteChangeAsync(
        this ObotDb db, DateTimeOffset? at, string userId, string action, string kind, string id, string name, string? details, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync(
            $"INSERT INTO change_log (at, user_id, kind, subject_id, subject_name, action, details) VALUES (coalesce({at}::timestamptz, now()), {userId}, {kind}, {id}, {name}, {action}, {details}::jsonb)",
            cancellationToken);

    private static ChangeRow Row(DateTimeOffset at, string userId, string action, string kind, string id, string name, string? details) =>
        new() { At = at, UserId = userId, Kind = kind, SubjectId = id, SubjectName = name, Action = action, Details = details };
}
