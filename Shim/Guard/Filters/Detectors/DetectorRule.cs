using System.Buffers;
using System.Text.RegularExpressions;

namespace Obot.Shim.Guard.Filters.Detectors;

/// <summary>One thing to find in texts.</summary>
/// <param name="Id">Stands in masks: <c>[REDACTED:aws-access-key-id]</c>.</param>
/// <param name="Name">For people, in the singular: what was found.</param>
/// <param name="Keywords">A text without any of these is not searched, whatever their case.</param>
/// <param name="Pattern">Limited in time: a text that takes longer blocks the message.</param>
/// <param name="Confirms">Whether what matched is what it looks like: checksums, randomness, known samples.</param>
internal sealed record DetectorRule(string Id, string Name, string[] Keywords, Regex Pattern, Func<string, bool>? Confirms = null)
{
    /// <summary>Milliseconds that one pattern may search one text.</summary>
    public const int Patience = 250;

    private readonly SearchValues<string> keywords = SearchValues.Create(Keywords, StringComparison.OrdinalIgnoreCase);

    public bool MayBeIn(ReadOnlySpan<char> text) => text.ContainsAny(keywords);

    /// <summary>Where it is, in order.</summary>
    public IEnumerable<(int Start, int Length)> Find(string text)
    {
        var found = new List<(int, int)>();
        foreach (var match in Pattern.EnumerateMatches(text))
        {
            if (Confirms?.Invoke(text.Substring(match.Index, match.Length)) is not false)
            {
                found.Add((match.Index, match.Length));
            }
        }

        return found;
    }
}
