namespace Obot.Silo.Configuration;

/// <summary>Files that only their owner reads.</summary>
internal static class PrivateFile
{
    /// <summary>Makes the file complete or not at all: it appears under its name by a rename that replaces nothing.</summary>
    /// <exception cref="IOException">It exists already.</exception>
    public static void Create(string path, byte[] content)
    {
        var draft = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(draft, options))
        {
            file.Write(content);
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(draft, path, overwrite: false);
        }
        finally
        {
            File.Delete(draft);
        }
    }
}
