using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Catalog.Sources;

/// <summary>The YAML files of a source.</summary>
/// <param name="Commit">Null for a directory.</param>
/// <param name="Refused">Files that are there and were not read.</param>
internal sealed record SourceFiles(string? Commit, IReadOnlyList<SourceFile> Files, IReadOnlyList<EntryProblem> Refused);

/// <param name="Path">Within the source, with forward slashes.</param>
internal sealed record SourceFile(string Path, byte[] Content);

/// <summary>A source that could not be read; the message is for the administrator and names no secret.</summary>
internal sealed class SourceException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Which files of a source are entries: YAML, not hidden, not ignored.</summary>
internal static class SourcePaths
{
    public const string IgnoreFile = ".ignoreobotcatalogs";

    public static bool IsEntry(string path) =>
        (path.EndsWith(".yaml", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".yml", StringComparison.OrdinalIgnoreCase))
        && !path.Split('/').Any(part => part.StartsWith('.'));

    public static EntryProblem TooLarge(string source, string path, long bytes, int most) =>
        new(source, path, 0, "", $"The file has {bytes} bytes; at most {most} are read (Obot:Catalog:MaxFileBytes).", Warning: false);

    public static SourceException TooMany(int most) =>
        new($"It has more than {most} YAML files (Obot:Catalog:MaxFiles). Name a folder of it ('#branch:folder'), or list globs in '{IgnoreFile}'.");

    public static SourceException TooMuch(long most) =>
        new($"Its YAML files together have more than {most} bytes (Obot:Catalog:MaxRepositoryBytes). Name a folder of it ('#branch:folder'), or list globs in '{IgnoreFile}'.");
}
