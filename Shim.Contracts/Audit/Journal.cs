using System.Numerics;
using Microsoft.Win32.SafeHandles;

namespace Obot.Shim.Contracts.Audit;

/// <summary>
/// The write-ahead file of audit records: a folder of its writer's own below a common root, with a lock that dies with the writer and numbered
/// segments, encrypted (<see cref="SegmentSeal"/>). One append is one write into the page cache, which outlives the process but not the machine; nothing is
/// synced. What the database has acknowledged is deleted by the segment; what a dead writer left is found by <see cref="AbandonedJournal"/>. Thread-safe.
/// </summary>
public sealed class Journal : IDisposable
{
    internal const string LockFile = "owner";

    /// <summary>Of journals of an earlier version. It takes no journal without one, and so none that it could not read.</summary>
    internal const string LockFileOfPlain = "lock";
    internal const string SegmentPattern = "*.wal";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int Attempts = 5;
    private const int KeptBox = 256 * 1024;

    private readonly Lock gate = new();
    private readonly string folder;
    private readonly FileStream ownership;
    private readonly long maxBytes;
    private readonly long segmentBytes;
    private readonly byte[] key;
    private readonly SegmentSeal seal;

    /// <summary>Length of every segment that is not deleted yet; the last one is written to.</summary>
    private readonly SortedDictionary<int, long> segments = [];
    private readonly SemaphoreSlim news = new(0, 1);
    private SafeFileHandle active;
    private int activeNumber;
    private JournalPosition acknowledged;
    private long waiting;
    private int told;
    private byte[] box = [];

    private Journal(string folder, FileStream ownership, byte[] key, long maxBytes, long segmentBytes)
    {
        (this.folder, this.ownership, this.key, this.maxBytes, this.segmentBytes) = (folder, ownership, key, maxBytes, segmentBytes);
        seal = SegmentSeal.New(key);
        acknowledged = new(1, SegmentSeal.Header);
        active = Create(1);
    }

    /// <summary>Bytes that were appended and not acknowledged.</summary>
    public long Waiting => Interlocked.Read(ref waiting);

    /// <summary>The bound is reached: whoever can still refuse its work should. Appending goes on for what is in hand.</summary>
    public bool IsFull => Waiting >= maxBytes;

    /// <summary>Where reading goes on.</summary>
    public JournalPosition Acknowledged
    {
        get
        {
            lock (gate)
            {
                return acknowledged;
            }
        }
    }

    /// <param name="root">Folder of all journals with the same destination; made where it is missing.</param>
    /// <param name="key">32 bytes, known to whoever may have to read it after its writer's death.</param>
    /// <param name="maxBytes">From here on <see cref="IsFull"/>.</param>
    /// <param name="segmentBytes">Length from which the next segment is begun.</param>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static Journal Open(string root, byte[] key, long maxBytes, long segmentBytes = 4 * 1024 * 1024)
    {
        for (var attempt = 1; ; attempt++)
        {
            var own = Path.Combine(root, Guid.CreateVersion7().ToString("N"));
            Directory.CreateDirectory(own, OwnerOnly);
            try
            {
                var held = new FileStream(Path.Combine(own, LockFile), new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = OwnersFile });
                return new(own, held, key, maxBytes, segmentBytes);
            }
            catch (IOException) when (attempt < Attempts)
            {
                // whoever looks for abandoned journals had the file for a moment between its making and its lock
            }
        }
    }

    /// <summary>Appends one frame; returns when it is in the page cache.</summary>
    /// <exception cref="IOException">It is not: the disk is full or gone.</exception>
    public void Append(ReadOnlySpan<byte> frame)
    {
        var size = frame.Length + SegmentSeal.Overhead;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(active.IsClosed, this);
            var length = segments[activeNumber];
            if (length >= segmentBytes)
            {
                var next = Create(activeNumber + 1);
                active.Dispose();
                (active, length) = (next, SegmentSeal.Header);
            }

            if (box.Length < size)
            {
                box = new byte[BitOperations.RoundUpToPowerOf2((uint)size)];
            }

            seal.Close(frame, activeNumber, length, box.AsSpan(0, size));
            RandomAccess.Write(active, box.AsSpan(0, size), length);
            segments[activeNumber] = length + size;
            if (box.Length > KeptBox)
            {
                box = [];
            }
        }

        Interlocked.Add(ref waiting, size);
        if (Interlocked.Exchange(ref told, 1) == 0)
        {
            news.Release();
        }
    }

    /// <summary>Completes when something was appended since the last time that it completed.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken)
    {
        await news.WaitAsync(cancellationToken);
        Volatile.Write(ref told, 0);
    }

    /// <summary>Whole frames from a position on, about <paramref name="wanted"/> bytes of them and one at least; 0 when there is none.</summary>
    /// <param name="buffer">Made larger where one frame needs it.</param>
    /// <param name="next">Where the frames end: to be acknowledged, and to be read on from.</param>
    public int Read(JournalPosition start, int wanted, ref byte[] buffer, out JournalPosition next)
    {
        var available = Locate(ref start);
        next = start;
        if (available == 0)
        {
            return 0;
        }

        using var segment = new SegmentReader(File.OpenHandle(PathOf(start.Segment), share: FileShare.ReadWrite | FileShare.Delete), key);
        var offset = start.Offset;
        var bytes = segment.Read(ref offset, (int)Math.Min(available, int.MaxValue), wanted, ref buffer);
        next = start with { Offset = offset };
        return bytes;
    }

    /// <summary>Everything before the position is safe elsewhere.</summary>
    public void Acknowledge(JournalPosition position)
    {
        lock (gate)
        {
            var freed = 0L;
            while (acknowledged.Segment < position.Segment)
            {
                freed += segments[acknowledged.Segment] - acknowledged.Offset;
                segments.Remove(acknowledged.Segment);
                File.Delete(PathOf(acknowledged.Segment));
                acknowledged = new(acknowledged.Segment + 1, SegmentSeal.Header);
            }

            if (position.Segment == acknowledged.Segment && position.Offset > acknowledged.Offset)
            {
                freed += position.Offset - acknowledged.Offset;
                acknowledged = position;
            }

            Interlocked.Add(ref waiting, -freed);
        }
    }

    /// <summary>Ends writing. What is not acknowledged stays for whoever looks for abandoned journals; otherwise nothing stays.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (active.IsClosed)
            {
                return;
            }

            active.Dispose();
            seal.Dispose();
            if (Waiting == 0)
            {
                Directory.Delete(folder, recursive: true);
            }

            ownership.Dispose();
        }
    }

    /// <summary>What is there from a position on; a position at the end of a segment that is written no more moves to the next one.</summary>
    private long Locate(ref JournalPosition at)
    {
        lock (gate)
        {
            if (at < acknowledged)
            {
                at = acknowledged;
            }

            while (at.Segment < activeNumber && at.Offset >= segments[at.Segment])
            {
                at = new(at.Segment + 1, SegmentSeal.Header);
            }

            return segments[at.Segment] - at.Offset;
        }
    }

    private SafeFileHandle Create(int number)
    {
        var handle = File.OpenHandle(PathOf(number), FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(handle, seal.HeaderOf(number), 0);
        (activeNumber, segments[number]) = (number, SegmentSeal.Header);
        return handle;
    }

    private string PathOf(int segment) => Path.Combine(folder, $"{segment:D8}.wal");
}

/// <summary>A place in a journal.</summary>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
public readonly record struct JournalPosition(int Segment, long Offset)
{
    public static bool operator <(JournalPosition left, JournalPosition right) => left.Segment < right.Segment || (left.Segment == right.Segment && left.Offset < right.Offset);

    public static bool operator >(JournalPosition left, JournalPosition right) => right < left;
}
