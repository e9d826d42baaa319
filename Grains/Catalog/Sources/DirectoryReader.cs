using System.Text;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Catalog.Sources;

/// <summary>Reads a directory of the silo. Links are not followed.</summary>
internal static class DirectoryReader
{
    public static async Task<SourceFiles> ReadAsync(SourceAddress source, CatalogOptions options, CancellationToken cancellationToken)
    {
        var root = new DirectoryInfo(source.Location);
        if (!root.Exists)
        {
            throw new SourceException($"The directory '{source.Location}' does not exist on the silo that reads it, or may not be read by it.");
        }

        var ignored = await IgnoredAsync(root, options, cancellationToken);
        var files = new List<SourceFile>();
        var refused = new List<EntryProblem>();
        var found = 0;
        var bytes = 0L;
        try
        {
            var enumeration = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint | FileAttributes.Hidden };
            foreach (var file in root.EnumerateFiles("*", enumeration))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var path = Path.GetRelativePath(root.FullName, file.FullName).Replace('\\', '/');
                if (!SourcePaths.IsEntry(path) || ignored.Covers(path))
                {
                    continue;
                }

                if (++found > options.MaxFiles)
                {
                    throw SourcePaths.TooMany(options.MaxFiles);
                }

                if (file.Length > options.MaxFileBytes)
                {
                    refused.Add(SourcePaths.TooLarge(source.Text, path, file.Length, options.MaxFileBytes));
                    continue;
                }

                bytes += file.Length;
                if (bytes > options.MaxRepositoryBytes)
                {
                    throw SourcePaths.TooMuch(options.MaxRepositoryBytes);
                }

                await ReadAsync(source, file, path, files, refused, cancellationToken);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new SourceException($"The directory cannot be read: {e.Message}", e);
        }

        return new(null, [.. files.OrderBy(file => file.Path, StringComparer.Ordinal)], refused);
    }

    private static async Task ReadAsync(
        SourceAddress source, FileInfo file, string path, List<SourceFile> files, List<EntryProblem> refused, CancellationToken cancellationToken)
    {
        try
        {
            files.Add(new(path, await File.ReadAllBytesAsync(file.FullName, cancellationToken)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            refused.Add(new(source.Text, path, 0, "", $"The file cannot be read: {e.Message}", Warning: false));
        }
    }

    private static async Task<IgnoreList> IgnoredAsync(DirectoryInfo root, CatalogOptions options, CancellationToken cancellationToken)
    {
        var file = new FileInfo(Path.Combine(root.FullName, SourcePaths.IgnoreFile));
        return file.Exists && file.LinkTarget is null && file.Length <= options.MaxFileBytes
            ? IgnoreList.Parse(await File.ReadAllTextAsync(file.FullName, Encoding.UTF8, cancellationToken))
            : IgnoreList.None;
    }
}
