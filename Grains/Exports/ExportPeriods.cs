using Obot.Grains.Abstractions;

namespace Obot.Grains.Exports;

/// <summary>Periods of schedules, in UTC.</summary>
internal static class ExportPeriods
{
    public const string Hourly = "hourly";
    public const string Daily = "daily";
    public const string Weekly = "weekly";
    public const string Monthly = "monthly";

    /// <exception cref="InvalidInputException">None of ours.</exception>
    public static string Check(string? period) => period is Hourly or Daily or Weekly or Monthly
        ? period
        : throw new InvalidInputException("schedule", $"Must be '{Hourly}', '{Daily}', '{Weekly}' or '{Monthly}'.");

    /// <summary>Beginning of the period that a moment is in; weeks begin on Monday.</summary>
    public static DateTimeOffset Begin(string period, DateTimeOffset at)
    {
        var day = new DateTimeOffset(at.UtcDateTime.Date, TimeSpan.Zero);
        return period switch
        {
            Hourly => day.AddHours(at.UtcDateTime.Hour),
            Daily => day,
            Weekly => day.AddDays(-(((int)day.DayOfWeek + 6) % 7)),
            _ => day.AddDays(1 - day.Day),
        };
    }

    public static DateTimeOffset Next(string period, DateTimeOffset begin) => period switch
    {
        Hourly => begin.AddHours(1),
        Daily => begin.AddDays(1),
        Weekly => begin.AddDays(7),
        _ => begin.AddMonths(1),
    };
}
