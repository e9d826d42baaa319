namespace Obot.SystemTests.Rig;

/// <summary>A folder of this run that servers under another user can read and write, removed at the end.</summary>
internal sealed class Scratch : IDisposable
{
    private const UnixFileMode Open = (UnixFileMode)0b111_111_111;

    public Scratch(string name)
    {
        Folder = Path.Combine(Path.GetTempPath(), $"obot-{name}-{Guid.CreateVersion7():N}"[..40]);
        Directory.CreateDirectory(Folder);
        File.SetUnixFileMode(Folder, Open);
    }

    public string Folder { get; }

    /// <summary>An empty file that anyone may append to.</summary>
    public string NewFile(string name)
    {
        var file = Path.Combine(Folder, name);
        File.WriteAllText(file, "");
        File.SetUnixFileMode(file, (UnixFileMode)0b110_110_110);
        return file;
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            // a process that is still on its way out writes there
        }
    }
}
