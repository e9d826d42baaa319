using System.Globalization;
using System.Text;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Catalog.Sources;

/// <summary>
/// Reads a repository with the git program: one revision into a bare repository, then the blobs of the files that count, straight from its
/// objects. Nothing is ever checked out, so no link is followed, no submodule fetched, no filter or hook run.
/// </summary>
internal static class GitReader
{
    private const string Ref = "refs/obot/source";

    /// <summary>A regular file; the rest are links (120000), submodules (160000) and folders.</summary>
    private const string FileMode = "100";

    private const int MaxPaths = 1_000_000;
    private const int MaxRecord = 64 * 1024;

    public static async Task<SourceFiles> ReadAsync(SourceAddress source, string? credential, string workFolder, CatalogOptions options, CancellationToken cancellationToken)
    {
        using var home = GitHome.Create(workFolder, source, credential, options);
        var most = options.MaxRepositoryBytes;
        await GitProcess.TextAsync(home, ["init", "--quiet", "--bare", home.Repository], most, cancellationToken);
        var wanted = source.Branch is { } branch ? $"refs/heads/{branch}" : "HEAD";
        await GitProcess.TextAsync(
            home, ["-C", home.Repository, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", source.Location, $"+{wanted}:{Ref}"], most, cancellationToken);
        var commit = await GitProcess.TextAsync(home, ["-C", home.Repository, "rev-parse", "--verify", $"{Ref}^{{commit}}"], most, cancellationToken);

        var tree = source.Folder is { } folder ? $"{commit}:{folder}" : commit;
        var blobs = await GitProcess.RunAsync(home, ["-C", home.Repository, "ls-tree", "-r", "-z", "--long", tree], null, ListAsync, most, cancellationToken);
        var ignored = await IgnoredAsync(home, blobs, options, cancellationToken);
        var wantedBlobs = blobs.Where(blob => SourcePaths.IsEntry(blob.Path) && !ignored.Covers(blob.Path)).ToList();
        if (wantedBlobs.Count > options.MaxFiles)
        {
            throw SourcePaths.TooMany(options.MaxFiles);
        }

        if (wantedBlobs.Where(blob => blob.Bytes <= options.MaxFileBytes).Sum(blob => blob.Bytes) > most)
        {
            // one object may be there under many names
            throw SourcePaths.TooMuch(most);
        }

        EntryProblem[] refused =
            [.. wantedBlobs.Where(blob => blob.Bytes > options.MaxFileBytes).Select(blob => SourcePaths.TooLarge(source.Text, blob.Path, blob.Bytes, options.MaxFileBytes))];
        return new(commit, await ContentsAsync(home, [.. wantedBlobs.Where(blob => blob.Bytes <= options.MaxFileBytes)], most, cancellationToken), refused);
    }

    private static async Task<IgnoreList> IgnoredAsync(GitHome home, IReadOnlyList<Blob> blobs, CatalogOptions options, CancellationToken cancellationToken) =>
        blobs.FirstOrDefault(blob => blob.Path == SourcePaths.IgnoreFile && blob.Bytes <= options.MaxFileBytes) is { } file
            ? IgnoreList.Parse(Encoding.UTF8.GetString((await ContentsAsync(home, [file], options.MaxRepositoryBytes, cancellationToken))[0].Content))
            : IgnoreList.None;

    /// <summary>
    /// Records of <c>ls-tree --long -z</c>: mode, type, object, size, tab, path. A repository of a few kilobytes can list more files than there
    /// are atoms: what is no file of ours is not kept, and nobody reads to the end.
    /// </summary>
    private static async Task<IReadOnlyList<Blob>> ListAsync(Stream output, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(output, new UTF8Encoding(false, throwOnInvalidBytes: false));
        var (kept, record, seen) = (new List<Blob>(), new StringBuilder(), 0);
        var chunk = new char[32 * 1024];
        int read;
        while ((read = await reader.ReadAsync(chunk, cancellationToken)) > 0)
        {
            var from = 0;
            for (int end; (end = chunk.AsSpan(from, read - from).IndexOf('\0')) >= 0; from += end + 1)
            {
                record.Append(chunk, from, end);
                if (++seen > MaxPaths)
                {
                    throw new SourceException($"It has more than {MaxPaths} files. Name a folder of it ('#branch:folder').");
                }

                if (Read(record.ToString()) is { } blob)
                {
                    kept.Add(blob);
                }

                record.Clear();
            }

            record.Append(chunk, from, read - from);
            if (record.Length > MaxRecord)
            {
                throw new SourceException($"The name of a file in it has more than {MaxRecord} characters.");
            }
        }

        return kept;
    }

    /// <summary>Null for what is neither an entry nor the list of what to ignore.</summary>
    private static Blob? Read(string record) =>
        record.Split('\t', 2) is [var head, var path] && (path == SourcePaths.IgnoreFile || SourcePaths.IsEntry(path))
        && head.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var mode, "blob", var id, var size] && mode.StartsWith(FileMode, StringComparison.Ordinal)
            ? new(id, long.Parse(size, CultureInfo.InvariantCulture), path)
            : null;

    private static async Task<IReadOnlyList<SourceFile>> ContentsAsync(GitHome home, IReadOnlyList<Blob> blobs, long most, CancellationToken cancellationToken)
    {
        if (blobs.Count == 0)
        {
            return [];
        }

        var asked = Encoding.ASCII.GetBytes(string.Concat(blobs.Select(blob => blob.Id + "\n")));
        return await GitProcess.RunAsync(home, ["-C", home.Repository, "cat-file", "--batch"], asked, (output, token) => ReadAsync(output, blobs, token), most, cancellationToken);
    }

    /// <summary>For every object a line <c>id type size</c>, its bytes, and a line feed.</summary>
    private static async Task<IReadOnlyList<SourceFile>> ReadAsync(Stream output, IReadOnlyList<Blob> blobs, CancellationToken cancellationToken)
    {
        await using var buffered = new BufferedStream(output, 64 * 1024);
        var files = new List<SourceFile>(blobs.Count);
        var head = new List<byte>(64);
        var one = new byte[1];
        foreach (var blob in blobs)
        {
            head.Clear();
            while (await buffered.ReadAsync(one, cancellationToken) == 1 && one[0] != '\n')
            {
                head.Add(one[0]);
            }

            if (Encoding.ASCII.GetString([.. head]).Split(' ') is not [_, "blob", var size])
            {
                throw new SourceException($"git could not read '{blob.Path}' of the revision it fetched.");
            }

            var content = new byte[int.Parse(size, CultureInfo.InvariantCulture)];
            await buffered.ReadExactlyAsync(content, cancellationToken);
            await buffered.ReadExactlyAsync(one, cancellationToken);
            files.Add(new(blob.Path, content));
        }

        return files;
    }

    private sealed record Blob(string Id, long Bytes, string Path);
}
