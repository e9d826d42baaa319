using Cronos;

namespace Obot.Grains.Tasks;

/// <summary>Cron in a time zone: an hour that the clock repeats runs once, one that it skips runs at the next there is.</summary>
internal static class TaskSchedule
{
    public static bool IsCron(string schedule) => CronExpression.TryParse(schedule, out _);

    public static bool IsZone(string zone) => TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _);

    /// <summary>The first time behind <paramref name="after"/>; null when there is none.</summary>
    public static DateTimeOffset? Next(string? schedule, string? zone, DateTimeOffset after) => schedule is null
        ? null
        : CronExpression.Parse(schedule).GetNextOccurrence(after, zone is null ? TimeZoneInfo.Utc : TimeZoneInfo.FindSystemTimeZoneById(zone))?.ToUniversalTime();
}
