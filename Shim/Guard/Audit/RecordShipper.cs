using System.Collections.Concurrent;
using System.Security.Cryptography;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Audit;

/// <summary>
/// Brings the journal to the cluster, batch after batch, each acknowledged after its commit. It also takes over what an earlier guard left in the same
/// folder. One batch is under way at a time: while the database is slow, records gather on disk and batches grow.
/// </summary>
/// <param name="root">Folder of the instance's journals.</param>
internal sealed class RecordShipper(AuditTrail trail, string root, TimeProvider time)
{
    /// <summary>One batch is under way at a time, so its size is what a guard can ship in a round trip and a commit: some ten thousand records a second.</summary>
    private const int BatchBytes = 2 * 1024 * 1024;
    private const int KeptBytes = 64 * 1024;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AfterRefusal = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookAround = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<long, TaskCompletionSource<bool>> pending = new();
    private long lastId;
    private byte[] buffer = [];

    /// <summary>As long as one connection lives; the next one begins with what was not acknowledged.</summary>
    public async Task RunAsync(ControlSend send, CancellationToken ended)
    {
        long? looked = null;
        while (true)
        {
            while (Read(out var next) is > 0 and var bytes)
            {
                await ShipAsync(buffer.AsMemory(0, bytes), send, ended);
                trail.Journal.Acknowledge(next);
            }

            if (looked is not { } at || time.GetElapsedTime(at) >= LookAround)
            {
                looked = time.GetTimestamp();
                await TakeOverAsync(send, ended);
            }

            if (buffer.Length > KeptBytes)
            {
                buffer = [];
            }

            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ended);
            patience.CancelAfter(LookAround);
            await trail.Journal.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(Gather, time, ended);
        }
    }

    /// <summary>What the cluster says of a batch.</summary>
    public void Answered(long id, bool isCommitted)
    {
        if (pending.TryRemove(id, out var waiting))
        {
            waiting.TrySetResult(isCommitted);
        }
    }

    /// <summary>A disk that fails is the trail's business, which refuses calls for it; the channel goes on.</summary>
    private int Read(out JournalPosition next)
    {
        try
        {
            return trail.Journal.Read(trail.Journal.Acknowledged, BatchBytes, ref buffer, out next);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            next = default;
            return 0;
        }
    }

    private async Task TakeOverAsync(ControlSend send, CancellationToken ended)
    {
        foreach (var left in AbandonedJournal.FindAll(root))
        {
            using (left)
            {
                try
                {
                    foreach (var batch in left.Read(trail.Key, BatchBytes))
                    {
                        await ShipAsync(batch, send, ended);
                    }

                    left.Remove();
                }
                catch (Exception e) when (e is UnauthorizedAccessException or FileNotFoundException or DirectoryNotFoundException or CryptographicException)
                {
                    // another host's or another cluster's, or taken away by hand; the next look finds what can be read
                }
            }
        }
    }

    /// <summary>Returns when the batch is committed, however often it has to be sent.</summary>
    private async Task ShipAsync(ReadOnlyMemory<byte> batch, ControlSend send, CancellationToken ended)
    {
        while (true)
        {
            var id = ++lastId;
            var answer = pending[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
            try
            {
                await send(new() { Kind = ControlKinds.Records, Id = id, Records = batch }, ended);
                if (await answer.Task.WaitAsync(AnswerWithin, time, ended))
                {
                    return;
                }
            }
            catch (TimeoutException)
            {
                // whoever has the batch says nothing: it may be sent again, records are known by their ids
            }
            finally
            {
                pending.TryRemove(id, out _);
            }

            await Task.Delay(AfterRefusal, time, ended);
        }
    }
}
