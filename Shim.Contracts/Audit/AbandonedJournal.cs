namespace Obot.Shim.Contracts.Audit;

/// <summary>
/// What a dead writer left. Holding one keeps everybody else away from it; it is read batch after batch and then removed. Whoever dies over
/// it leaves it to the next: records come twice and never not at all.
/// </summary>
public sealed class AbandonedJournal : IDisposable
{
    private readonly string folder;
    private readonly FileStream ownership;

    private AbandonedJournal(string folder, FileStream ownership) => (this.folder, this.ownership) = (folder, ownership);

    /// <summary>Bytes at the end of segments that are no whole frame: a write that its process did not live to finish, or not what was written.</summary>
    public long Torn { get; private set; }

    /// <summary>The journals below a root that nobody writes any more, one after the other. Dispose of each before the next.</summary>
    public static IEnumerable<AbandonedJournal> FindAll(string root)
    {
        foreach (var candidate in Directory.Exists(root) ? Directory.GetDirectories(root) : [])
        {
            if (TryTake(candidate) is { } journal)
            {
                yield return journal;
            }
        }
    }

    /// <summary>Whole frames, batch after batch, in the order in which they were written. The memory is good until the next one.</summary>
    /// <param name="key">Key of the journal's instance.</param>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It was written with another key. It should stay where it is.</exception>
    public IEnumerable<ReadOnlyMemory<byte>> Read(byte[] key, int wanted)
    {
        var buffer = new byte[wanted];
        foreach (var path in Directory.GetFiles(folder, Journal.SegmentPattern).Order(StringComparer.Ordinal))
        {
            var file = File.OpenHandle(path);
            var length = RandomAccess.GetLength(file);
            using var segment = new SegmentReader(file, key);
            var offset = (long)segment.First;
            while (segment.Read(ref offset, (int)Math.Min(length - offset, int.MaxValue), wanted, ref buffer) is > 0 and var bytes)
            {
                yield return buffer.AsMemory(0, bytes);
            }

            Torn += length - offset + segment.Damaged;
        }
    }

    /// <summary>Everything in it is safe elsewhere.</summary>
    public void Remove() => Directory.Delete(folder, recursive: true);

    public void Dispose() => ownership.Dispose();

    private static AbandonedJournal? TryTake(string candidate)
    {
        try
        {
            // the lock of its writer, if it lives, is in the way
            var owner = Path.Combine(candidate, Journal.LockFile);
            var held = File.Exists(owner) ? owner : Path.Combine(candidate, Journal.LockFileOfPlain);
            return new(candidate, new FileStream(held, FileMode.Open, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
