using System.Formats.Tar;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Audit;

namespace Obot.Grains.Hosting.Docker;

/// <summary>
/// Audit records that a guard could not ship before its end lie in the volume of its instance, where no silo can read them. They are copied
/// beside the journals of this host, and go to the database from there; the next guard may send them too, which changes nothing.
/// </summary>
internal sealed class JournalRescue(DockerDaemon daemon, AuditFolders folders)
{
    private const string Lock = "owner";
    private const UnixFileMode OwnersFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Of a guard's container that does not run any more and is not removed yet. After it the volume may go.</summary>
    public async Task BringHomeAsync(string container, McpInstanceId instance, CancellationToken cancellationToken)
    {
        var archive = await daemon.Client.Containers.GetArchiveFromContainerAsync(container, new() { Path = ContainerRequests.WriteAheadFolder }, statOnly: false, cancellationToken);
        await using var content = archive.Stream ?? Stream.Null;

        // whole first: the client's stream cannot be read in the pieces that a reader of archives wants
        await using var whole = new FileStream(
            Path.Combine(Path.GetTempPath(), $"obot-journal-{Guid.NewGuid():N}.tar"),
            new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, UnixCreateMode = OwnersFile, Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous });
        await content.CopyToAsync(whole, cancellationToken);
        whole.Position = 0;
        await using var tar = new TarReader(whole);
        var copies = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await tar.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            // folder of a journal / segment
            if (entry is not { EntryType: TarEntryType.RegularFile or TarEntryType.V7RegularFile, Length: > 0, DataStream: { } data } || !entry.Name.EndsWith(".wal", StringComparison.Ordinal))
            {
                continue;
            }

            var journal = Path.GetDirectoryName(entry.Name)!;
            if (!copies.TryGetValue(journal, out var copy))
            {
                copies[journal] = copy = Path.Combine(folders.Of(instance), Guid.CreateVersion7().ToString("N"));
                Directory.CreateDirectory(copy, OwnersFolder);
            }

            await using var file = Create(Path.Combine(copy, Path.GetFileName(entry.Name)));
            await data.CopyToAsync(file, cancellationToken);
        }

        foreach (var copy in copies.Values)
        {
            // with its lock file it is a journal that somebody left: not before it is whole
            await Create(Path.Combine(copy, Lock)).DisposeAsync();
        }
    }

    private static FileStream Create(string path) => new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnersFile });
}
