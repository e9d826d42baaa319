using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Obot.Shim.Bridge.Packages;

/// <summary>A package as npm takes it: <c>name</c>, <c>@scope/name@1.2.3</c>, <c>name@tag</c>, a Git or tarball URL …</summary>
internal sealed partial record PackageSpec(string Text)
{
    /// <summary>Names one version, which never changes: no need to look for a newer one.</summary>
    public bool IsExact => ExactVersion().IsMatch(Text);

    /// <summary>
    /// Folder below the cache. The same package from another registry, or with another npm configuration, is another package.
    /// </summary>
    public string Folder(IEnumerable<KeyValuePair<string, string>> npmConfiguration)
    {
        var readable = Unsafe().Replace(Text, "_");
        var configuration = string.Join('\n', npmConfiguration.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
        return configuration.Length == 0 && readable.Length <= 100 && string.Equals(Unescape(readable), Text, StringComparison.Ordinal)
            ? readable
            : $"{readable[..Math.Min(60, readable.Length)]}-{Hash($"{Text}\n{configuration}")}";
    }

    // "@scope/name" is the only common spec with a character that a folder cannot have
    private static string Unescape(string readable) =>
        readable.StartsWith('@') && readable.IndexOf('_', StringComparison.Ordinal) is > 0 and var slash
            ? string.Concat(readable.AsSpan(0, slash), "/", readable.AsSpan(slash + 1))
            : readable;

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 12));

    [GeneratedRegex(@"^(@[^/@]+/)?[^/@:]+@\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ExactVersion();

    [GeneratedRegex("[^A-Za-z0-9@._-]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Unsafe();
}
