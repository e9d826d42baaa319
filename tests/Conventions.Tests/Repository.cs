using System.Runtime.CompilerServices;

namespace Obot.Conventions.Tests;

/// <summary>The checkout that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(Here(), "..", ".."));

    public static IReadOnlyList<string> Projects { get; } =
        ["Silo", "Gateway", "Chat", "Grains", "Grains.Abstractions", "Data", "Shim", "Shim.Contracts"];

    /// <summary>Sources of the product: no tests, nothing generated.</summary>
    public static IEnumerable<string> Sources(params string[] extensions) =>
        Projects.SelectMany(project => Directory.EnumerateFiles(Path.Combine(Root, project), "*", SearchOption.AllDirectories))
            .Where(file => extensions.Contains(Path.GetExtension(file), StringComparer.Ordinal))
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal));

    public static string Relative(string file) => Path.GetRelativePath(Root, file);

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
