using System.Text.RegularExpressions;

namespace Obot.Grains.Catalog.Sources;

/// <summary>Where a source is.</summary>
/// <param name="Text">As it was written.</param>
/// <param name="Location">Directory, or address for git, without branch and folder.</param>
/// <param name="Scheme"><c>directory</c>, <c>https</c>, <c>http</c>, <c>ssh</c>, <c>file</c>.</param>
/// <param name="Branch">Null for the repository's own default.</param>
/// <param name="Folder">Folder within it, without slashes at its ends; null for all of it.</param>
internal sealed partial record SourceAddress(string Text, string Location, string Scheme, string? Branch, string? Folder)
{
    public const string Directory = "directory";
    private const int MaxLength = 2000;

    /// <summary>Null when it is none, or one with a password in it.</summary>
    public static SourceAddress? Parse(string? text)
    {
        if (string.IsNullOrWhiteSpace(text) || text.Length > MaxLength || text.Any(c => char.IsControl(c) || c == ' ') || text[0] == '-')
        {
            return null;
        }

        if (text[0] == '/')
        {
            return text.Contains("/../", StringComparison.Ordinal) || text.EndsWith("/..", StringComparison.Ordinal)
                ? null
                : new(text, IsBare(text) ? $"file://{text}" : text, IsBare(text) ? "file" : Directory, null, null);
        }

        var (location, fragment) = text.Split('#', 2) is [var before, var after] ? (before, after) : (text, "");
        var (branch, folder) = fragment.Split(':', 2) is [var name, var path] ? (name, path.Trim('/')) : (fragment, "");
        var scheme = SchemeOf(location);
        if (scheme is null || (branch.Length > 0 && !BranchName().IsMatch(branch)) || (folder.Length > 0 && !IsFolder(folder)))
        {
            return null;
        }

        return new(text, location, scheme, branch.Length == 0 ? null : branch, folder.Length == 0 ? null : folder);
    }

    private static string? SchemeOf(string location)
    {
        if (ScpForm().IsMatch(location))
        {
            return "ssh";
        }

        if (!Uri.TryCreate(location, UriKind.Absolute, out var uri) || uri.UserInfo.Contains(':', StringComparison.Ordinal) || uri.Query.Length > 0)
        {
            return null;
        }

        return uri.Scheme switch
        {
            "https" or "http" when uri is { Host.Length: > 0, UserInfo.Length: 0 } => uri.Scheme,
            "ssh" when uri.Host.Length > 0 && uri.Host[0] != '-' && !uri.UserInfo.StartsWith('-') => "ssh",
            "file" when uri.Host.Length == 0 && uri.AbsolutePath.Length > 1 => "file",
            _ => null,
        };
    }

    /// <summary>A repository without files of its own.</summary>
    private static bool IsBare(string path) =>
        File.Exists(Path.Combine(path, "HEAD")) && System.IO.Directory.Exists(Path.Combine(path, "objects")) && System.IO.Directory.Exists(Path.Combine(path, "refs"));

    private static bool IsFolder(string folder) =>
        !folder.Split('/').Any(part => part is "" or "." or "..") && folder[0] is not (':' or '-');

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._/-]*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BranchName();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:[^/:-][^:]*$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ScpForm();
}
