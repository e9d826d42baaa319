namespace Obot.Shim.Bridge.Packages;

/// <summary>A lock between processes (<c>flock</c> underneath): gone when its holder is.</summary>
internal static class PackageLock
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50);

    public static async Task<IDisposable> AcquireAsync(string file, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (TryAcquire(file) is { } held)
            {
                return held;
            }

            await Task.Delay(Poll, cancellationToken);
        }
    }

    private static FileStream? TryAcquire(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException))
        {
            return null;
        }
    }
}
