namespace Obot.Grains.Exports.Targets;

/// <summary>A directory of the silo. An object is there whole or not at all.</summary>
internal sealed class DirectoryTarget(string root) : IExportTarget
{
    private const UnixFileMode OwnFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public Task WriteAsync(string key, byte[] content, CancellationToken cancellationToken) => DoAsync(async () =>
    {
        var path = PathOf(key);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnFolder);
        var draft = $"{path}.{Guid.CreateVersion7():N}.new";
        try
        {
            await using (var stream = new FileStream(draft, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            {
                await stream.WriteAsync(content, cancellationToken);
                stream.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    });

    public async Task<byte[]> ReadAsync(string key, CancellationToken cancellationToken)
    {
        byte[] content = [];
        await DoAsync(async () => content = await File.ReadAllBytesAsync(PathOf(key), cancellationToken));
        return content;
    }

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DoAsync(() =>
    {
        File.Delete(PathOf(key));
        return Task.CompletedTask;
    });

    public void Dispose()
    {
    }

    private string PathOf(string key) => Path.Combine(root, key);

    private async Task DoAsync(Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ExportTargetException($"The directory '{root}' cannot be used: {e.Message}", isLasting: false, e);
        }
    }
}
