using System.Collections.Concurrent;
using System.Collections.Frozen;

namespace Obot.Shim.Guard.Authorization;

/// <summary>Tools by name and by glob (<c>*</c> any characters, <c>?</c> one UTF-16 unit), anchored and ordinal. Immutable but for what it remembers.</summary>
internal sealed class ToolPatterns
{
    /// <summary>No tool has a longer name for somebody who is restricted to some: what is matched is bounded.</summary>
    private const int MaxName = 512;
    private const int Remembered = 2000;

    private readonly FrozenSet<string> names;
    private readonly string[] globs;
    private readonly ConcurrentDictionary<string, bool> byGlob = new(StringComparer.Ordinal);

    public ToolPatterns(IEnumerable<string> patterns)
    {
        var all = patterns.Distinct(StringComparer.Ordinal).ToLookup(pattern => pattern.AsSpan().ContainsAny('*', '?'));
        names = all[false].ToFrozenSet(StringComparer.Ordinal);
        globs = [.. all[true]];
    }

    public bool Allows(string name) => names.Contains(name) || (globs.Length > 0 && name.Length <= MaxName && MatchesAny(name));

    /// <summary>The same names and globs, in whatever order.</summary>
    public bool SameAs(ToolPatterns other) => names.SetEquals(other.names) && globs.ToHashSet(StringComparer.Ordinal).SetEquals(other.globs);

    private bool MatchesAny(string name)
    {
        if (byGlob.TryGetValue(name, out var known))
        {
            return known;
        }

        var matches = false;
        foreach (var glob in globs)
        {
            matches |= Matches(glob, name);
        }

        if (byGlob.Count >= Remembered)
        {
            byGlob.Clear();
        }

        byGlob[name] = matches;
        return matches;
    }

    /// <summary>Goes back to the last star only, so it takes at most the product of both lengths.</summary>
    internal static bool Matches(ReadOnlySpan<char> glob, ReadOnlySpan<char> name)
    {
        int g = 0, n = 0, star = -1, resume = 0;
        while (n < name.Length)
        {
            if (g < glob.Length && glob[g] == '*')
            {
                (star, resume) = (g++, n);
            }
            else if (g < glob.Length && (glob[g] == '?' || glob[g] == name[n]))
            {
                g++;
                n++;
            }
            else if (star >= 0)
            {
                g = star + 1;
                n = ++resume;
            }
            else
            {
                return false;
            }
        }

        return glob[g..].IndexOfAnyExcept('*') < 0;
    }
}
