using System.Globalization;

namespace Obot.Chat.Components;

/// <summary>Times as pages show them: to the minute, in UTC.</summary>
internal static class Moment
{
    /// <summary>Null for no time.</summary>
    public static string? Text(DateTimeOffset? at) => at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);
}
