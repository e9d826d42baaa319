using Obot.Grains.Abstractions;

namespace Obot.Grains;

/// <summary>Patterns of SQL's LIKE out of what somebody typed.</summary>
internal static class LikePattern
{
    public const string Escape = "\\";

    /// <exception cref="InvalidInputException">Too long, or with a character that no name has.</exception>
    public static string Containing(string text, int most, string field)
    {
        if (text.Length > most || text.Any(char.IsControl))
        {
            throw new InvalidInputException(field, $"Must be a text of at most {most} characters without control characters.");
        }

        var literal = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);
        return $"%{literal}%";
    }
}
