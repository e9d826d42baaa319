using System.Collections.Frozen;
using Obot.Shim.Guard.Authorization;

namespace Obot.Shim.Guard.Filters;

/// <summary>Names and globs that select messages. What is too long to be compared is selected: a filter looks at it rather than not.</summary>
internal sealed class FilterPatterns
{
    private const int MaxGlobbed = 4096;

    private readonly FrozenSet<string> names;
    private readonly string[] globs;
    private readonly bool any;

    public FilterPatterns(IReadOnlyList<string> patterns)
    {
        any = patterns.Contains("*", StringComparer.Ordinal);
        names = patterns.ToFrozenSet(StringComparer.Ordinal);
        globs = [.. patterns.Where(pattern => pattern.AsSpan().ContainsAny('*', '?'))];
    }

    public bool Allows(string name) => any || names.Contains(name) || (globs.Length > 0 && (name.Length > MaxGlobbed || Array.Exists(globs, glob => ToolPatterns.Matches(glob, name))));
}
