using System.Formats.Tar;
using System.Net;
using System.Text;
using Docker.DotNet;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting.Docker;

/// <summary>Volumes of ours: files of a generation, packages, and the guard's write-ahead file of an instance.</summary>
internal sealed class DockerVolumes(DockerDaemon daemon, DockerNames names)
{
    /// <summary>For the values of a generation that its manifest wants in files.</summary>
    public async Task<string> CreateFilesAsync(McpInstanceId instance, long generation, CancellationToken cancellationToken)
    {
        var name = names.Container(instance, generation, DockerNames.Files);
        await daemon.Client.Volumes.CreateAsync(new() { Name = name, Labels = names.Labels(instance, generation, DockerNames.Files) }, cancellationToken);
        return name;
    }

    /// <summary>Writes files into a container that was made and does not run yet, readable by its user only.</summary>
    /// <param name="files">Name → content.</param>
    /// <param name="user"><c>user:group</c>; names instead of numbers leave the files readable for everybody inside.</param>
    public async Task FillAsync(string container, IReadOnlyDictionary<string, string> files, string user, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
        {
            return;
        }

        var numbers = user.Split(':');
        var known = int.TryParse(numbers[0], System.Globalization.CultureInfo.InvariantCulture, out var uid);
        var gid = numbers.Length > 1 && int.TryParse(numbers[1], System.Globalization.CultureInfo.InvariantCulture, out var group) ? group : uid;
        using var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, TarEntryFormat.Pax, leaveOpen: true))
        {
            foreach (var (name, content) in files)
            {
                using var data = new MemoryStream(Encoding.UTF8.GetBytes(content));
                await tar.WriteEntryAsync(
                    new PaxTarEntry(TarEntryType.RegularFile, name)
                    {
                        Uid = uid, Gid = gid, DataStream = data, Mode = known ? UnixFileMode.UserRead : UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead,
                    },
                    cancellationToken);
            }
        }

        archive.Position = 0;
        await daemon.Client.Containers.ExtractArchiveToContainerAsync(container, new() { Path = ContainerRequests.FilesFolder }, archive, cancellationToken);
    }

    public async Task EnsurePackagesAsync(string name, CancellationToken cancellationToken) =>
        await daemon.Client.Volumes.CreateAsync(new() { Name = name, Labels = names.Labels(DockerNames.Packages) }, cancellationToken);

    /// <summary>Removes files of the instance's generations up to the given one.</summary>
    public Task RemoveFilesAsync(McpInstanceId instance, long generation, CancellationToken cancellationToken) =>
        RemoveWhereAsync(instance, (role, found) => role == DockerNames.Files && found <= generation, cancellationToken);

    /// <summary>
    /// Removes all of an instance whose server is gone. Its guards are stopped, and what they had not shipped of audit records was brought
    /// home before their containers were removed.
    /// </summary>
    public Task RemoveAsync(McpInstanceId instance, CancellationToken cancellationToken) => RemoveWhereAsync(instance, (_, _) => true, cancellationToken);

    public async Task RemoveAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await daemon.Client.Volumes.RemoveAsync(name, force: false, cancellationToken);
        }
        catch (DockerApiException e) when (e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // gone, or a container that uses it is just being removed: the sweep comes by
        }
    }

    public async Task<IReadOnlyList<(string Name, McpInstanceId Instance, long Generation, string Role)>> ListAsync(McpInstanceId? instance, CancellationToken cancellationToken) =>
    [
        .. ((await daemon.Client.Volumes.ListAsync(new() { Filters = names.Ours(instance) }, cancellationToken)).Volumes ?? [])
            .Select(volume => (volume.Name, Labels: names.Read(volume.Labels)))
            .Where(pair => pair.Labels is not null && (instance is null || pair.Labels.Value.Instance == instance))
            .Select(pair => (pair.Name, pair.Labels!.Value.Instance, pair.Labels.Value.Generation, pair.Labels.Value.Role)),
    ];

    private async Task RemoveWhereAsync(McpInstanceId instance, Func<string, long, bool> match, CancellationToken cancellationToken)
    {
        foreach (var volume in (await ListAsync(instance, cancellationToken)).Where(volume => match(volume.Role, volume.Generation)))
        {
            await RemoveAsync(volume.Name, cancellationToken);
        }
    }
}
