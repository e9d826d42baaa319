using System.Text.RegularExpressions;

namespace Obot.Chat.Tasks;

/// <summary>The parameters that a prompt names, in their order.</summary>
internal static partial class TaskPlaceholders
{
    public static IReadOnlyList<string> Of(string prompt) => [.. Placeholder().Matches(prompt).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal)];

    [GeneratedRegex(@"\{\{\s*(?<name>[A-Za-z0-9_]{1,50})\s*\}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Placeholder();
}
