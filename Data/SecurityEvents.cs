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

    /// <summary>
    /// The same for many subjects at once. Above <paramref name="most"/> of them everything is forgotten instead, which costs each silo
    /// less than looking every subject up.
    /// </summary>
    /// <param name="everything">Kind that makes silos forget all they know.</param>
    public static Task AnnounceAllAsync(
        this ObotDb db, string kind, IReadOnlyCollection<string> subjects, string everything, CancellationToken cancellationToken, int most = 200)
    {
        if (subjects.Count == 0)
        {
            return Task.CompletedTask;
        }

        if (subjects.Count > most)
        {
            return db.AnnounceAsync(everything, "*", cancellationToken);
        }

        var all = subjects.ToArray();
        return db.Database.ExecuteSqlAsync(
            $"""
            WITH head AS (UPDATE security_head SET revision = revision + {all.Length} RETURNING revision),
                 event AS (
                     INSERT INTO security_events (revision, kind, subject, at)
                     SELECT head.revision - {all.Length} + one.number, {kind}, one.subject, now()
                     FROM head, unnest({all}) WITH ORDINALITY AS one(subject, number) RETURNING revision)
            SELECT pg_notify('obot_security', max(revision)::text) FROM event
            """,
            cancellationToken);
    }
}
