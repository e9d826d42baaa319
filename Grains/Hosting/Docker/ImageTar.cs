using System.Formats.Tar;

namespace Obot.Grains.Hosting.Docker;

/// <summary>A root file system on its way into an image. Written to a file: images are larger than memory should be.</summary>
internal sealed class ImageTar : IAsyncDisposable
{
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly FileStream file = new(
        Path.Combine(Path.GetTempPath(), $"obot-image-{Guid.NewGuid():N}.tar"),
        new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous });

    private readonly HashSet<string> entries = new(StringComparer.Ordinal);
    private readonly TarWriter tar;

    public ImageTar() => tar = new(file, TarEntryFormat.Pax, leaveOpen: true);

    /// <param name="owner">User and group.</param>
    public async Task AddFolderAsync(string path, int owner, UnixFileMode mode, CancellationToken cancellationToken)
    {
        if (entries.Add(path))
        {
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.Directory, Name(path) + "/") { Mode = mode, Uid = owner, Gid = owner }, cancellationToken);
        }
    }

    public async Task AddTextAsync(string path, string text, CancellationToken cancellationToken)
    {
        if (entries.Add(path))
        {
            using var content = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text));
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, Name(path)) { Mode = Executable, DataStream = content }, cancellationToken);
        }
    }

    public async Task AddLinkAsync(string path, string target, CancellationToken cancellationToken)
    {
        if (entries.Add(path))
        {
            await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.SymbolicLink, Name(path)) { LinkName = target }, cancellationToken);
        }
    }

    /// <summary>The content of a file of this machine, whatever links lead to it.</summary>
    public async Task AddFileAsync(string path, string source, CancellationToken cancellationToken)
    {
        if (!entries.Add(path))
        {
            return;
        }

        await using var content = File.OpenRead(source);
        await tar.WriteEntryAsync(new PaxTarEntry(TarEntryType.RegularFile, Name(path)) { Mode = Executable, DataStream = content }, cancellationToken);
    }

    /// <summary>A folder of this machine with all that is below it; links stay links.</summary>
    public async Task AddTreeAsync(string path, string source, CancellationToken cancellationToken)
    {
        foreach (var found in new DirectoryInfo(source).EnumerateFileSystemInfos("*", new EnumerationOptions { AttributesToSkip = FileAttributes.None }))
        {
            var inside = $"{path}/{found.Name}";
            if (found.LinkTarget is { } target)
            {
                await AddLinkAsync(inside, target, cancellationToken);
            }
            else if (found is DirectoryInfo folder)
            {
                await AddTreeAsync(inside, folder.FullName, cancellationToken);
            }
            else
            {
                await AddFileAsync(inside, found.FullName, cancellationToken);
            }
        }
    }

    /// <summary>Closes the archive; the stream is at its beginning.</summary>
    public async Task<Stream> EndAsync()
    {
        await tar.DisposeAsync();
        file.Position = 0;
        return file;
    }

    public async ValueTask DisposeAsync()
    {
        await tar.DisposeAsync();
        await file.DisposeAsync();
    }

    private static string Name(string path) => path.TrimStart('/');
}
