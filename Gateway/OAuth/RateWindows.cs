using Microsoft.EntityFrameworkCore;
using Obot.Data;

namespace Obot.Gateway.OAuth;

/// <summary>Fixed windows counted in the database: a limit holds over all silos. For what is rare and open to everybody.</summary>
internal sealed class RateWindows(ObotDb db, TimeProvider time)
{
    /// <returns>Null when it may go on; otherwise when to come again.</returns>
    public async Task<TimeSpan?> TakeAsync(string key, int limit, TimeSpan window, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var before = now - window;
        var started = await db.Database.SqlQuery<DateTimeOffset?>(
            $"""
            INSERT INTO rate_windows AS w (key, started_at, count) VALUES ({key}, {now}, 1)
            ON CONFLICT (key) DO UPDATE SET
                count = CASE WHEN w.started_at <= {before} THEN 1 ELSE least(w.count + 1, {limit} + 1) END,
                started_at = CASE WHEN w.started_at <= {before} THEN {now} ELSE w.started_at END
            RETURNING CASE WHEN count > {limit} THEN started_at END AS "Value"
            """).ToListAsync(cancellationToken);

        // the window may have begun by the clock of another silo
        return started is [{ } since] ? TimeSpan.FromTicks(Math.Clamp((since + window - now).Ticks, 0, window.Ticks)) : null;
    }
}
