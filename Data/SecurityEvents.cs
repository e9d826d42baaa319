using Microsoft.EntityFrameworkCore;

namespace Obot.Data;

/// <summary>Writes a security change in the transaction of the caller.</summary>
public static class SecurityEvents
{
    /// <summary>Name of the PostgreSQL notification channel; its payload is the revision.</summary>
    public const string Channel = "obot_security";

    /// <summary>
    /// Must run inside a transaction: the row lock of <c>security_head</c> makes revisions appear in commit order, and the
    /// notification leaves with the commit.
    /// </summary>
    public static Task AnnounceAsync(this ObotDb db, string kind, string subject, CancellationToken cancellationToken) =>
        db.Database.ExecuteSqlAsync(
            $"""
            WITH head AS (UPDATE security_head SET revision = revision + 1 RETURNING revision),
                 event AS (INSERT INTO security_events (revision, kind, subject, at) SELECT revision, {kind}, {subject}, now() FROM head RETURNING revision)
            SELECT pg_notify('obot_security', revision::text) FROM event
            """,
            cancellationToken);
}
