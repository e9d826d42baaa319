using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge.Boot;

/// <summary>Values of the manifest that its server wants to find in files.</summary>
internal static class BridgeFiles
{
    private const string Folder = ".files";

    public static async Task WriteAsync(BridgeBoot boot, CancellationToken cancellationToken)
    {
        foreach (var (name, content) in boot.Files)
        {
            var folder = Directory.CreateDirectory(Path.Combine(boot.WorkingDirectory, Folder)).FullName;
            await using var file = new FileStream(Path.Combine(folder, name), new FileStreamOptions
            {
                Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            await file.WriteAsync(System.Text.Encoding.UTF8.GetBytes(content), cancellationToken);
        }
    }
}
