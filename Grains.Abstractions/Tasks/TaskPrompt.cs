using System.Text.RegularExpressions;

namespace Obot.Grains.Abstractions.Tasks;

/// <summary>A task's prompt: text with <c>{{name}}</c> where a parameter's value goes.</summary>
public static partial class TaskPrompt
{
    /// <summary>The parameters that it names, each once, in their order.</summary>
    public static IReadOnlyList<string> Names(string prompt) => [.. Placeholder().Matches(prompt).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal)];

    /// <summary>The prompt with values in the places of the parameters; values are not looked at again.</summary>
    public static string Fill(string prompt, Func<string, string> value) => Placeholder().Replace(prompt, match => value(match.Groups["name"].Value));

    [GeneratedRegex(@"\{\{\s*(?<name>[A-Za-z0-9_]+)\s*\}\}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Placeholder();
}
