using System.Text;
using System.Text.RegularExpressions;

namespace Obot.Grains.Catalog.Sources;

/// <summary>
/// <c>.ignoreobotcatalogs</c> at the root of a source: one glob a line, <c>#</c> begins a comment. <c>*</c> and <c>?</c> stay within a
/// name, <c>**</c> does not; a glob without a slash is for names at any depth; one that names a folder is for all below it.
/// </summary>
internal sealed class IgnoreList
{
    private const int MaxLines = 1000;
    private readonly Regex[] _globs;

    private IgnoreList(Regex[] globs) => _globs = globs;

    public static IgnoreList None { get; } = new([]);

    public static IgnoreList Parse(string text) => new(
    [
        .. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Where(line => line[0] != '#').Take(MaxLines).Select(ToRegex),
    ]);

    public bool Covers(string path) => Array.Exists(_globs, glob => glob.IsMatch(path));

    private static Regex ToRegex(string glob)
    {
        var anchored = glob.TrimEnd('/').Contains('/', StringComparison.Ordinal);
        var rest = glob.Trim('/');
        var pattern = new StringBuilder(anchored ? "^" : "^(?:.*/)?");
        for (var i = 0; i < rest.Length; i++)
        {
            if (rest[i] == '*' && i + 1 < rest.Length && rest[i + 1] == '*')
            {
                i++;
                var folder = i + 1 < rest.Length && rest[i + 1] == '/';
                pattern.Append(folder ? "(?:.*/)?" : ".*");
                i += folder ? 1 : 0;
            }
            else
            {
                pattern.Append(rest[i] switch { '*' => "[^/]*", '?' => "[^/]", var other => Regex.Escape(other.ToString()) });
            }
        }

        // linear time whatever the glob is
        return new(pattern.Append("(?:/.*)?$").ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
    }
}
