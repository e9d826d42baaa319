using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Files;

namespace Obot.Grains.Files.Directory;

/// <summary>A directory that all silos share.</summary>
internal sealed class DirectoryStore(IOptions<FileStorageOptions> options) : IFileStore
{
    private const int Buffer = 128 * 1024;
    private const UnixFileMode OwnFolder = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    public Task WriteAsync(string key, Stream content, CancellationToken cancellationToken) => DoAsync(async () =>
    {
        var path = PathOf(key);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!, OwnFolder);
        var draft = $"{path}.new";
        try
        {
            await using (var file = new FileStream(draft, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Options = FileOptions.Asynchronous, BufferSize = 0, UnixCreateMode = OwnFile }))
            {
                await content.CopyToAsync(file, Buffer, cancellationToken);
                file.Flush(flushToDisk: true);
            }

            File.Move(draft, path, overwrite: true);
            return true;
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    });

    public Task<Stream> OpenAsync(string key, CancellationToken cancellationToken) => DoAsync(() => Task.FromResult<Stream>(
        new FileStream(PathOf(key), new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, Options = FileOptions.Asynchronous | FileOptions.SequentialScan, BufferSize = Buffer })));

    public Task DeleteAsync(string key, CancellationToken cancellationToken) => DoAsync(() =>
    {
        var path = PathOf(key);
        if (System.IO.Directory.Exists(Path.GetDirectoryName(path)))
        {
            File.Delete(path);
            File.Delete($"{path}.new");
        }

        return Task.FromResult(true);
    });

    private string PathOf(string key) => Path.Combine(options.Value.DirectoryPath, key);

    private async Task<T> DoAsync<T>(Func<Task<T>> act)
    {
        try
        {
            return await act();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageUnavailableException($"The directory of files cannot be used (Obot:Files:DirectoryPath): {e.Message}", e);
        }
    }
}
