namespace Obot.Grains;

internal static class Clock
{
    /// <summary>Now, in PostgreSQL's precision (1 µs), so that what was written equals what is read.</summary>
    public static DateTimeOffset Now(this TimeProvider time)
    {
        var now = time.GetUtcNow();
        return now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMicrosecond));
    }
}
