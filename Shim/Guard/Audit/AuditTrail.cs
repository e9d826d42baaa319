using System.Collections.Concurrent;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Audit;

/// <summary>
/// The records of one instance: puts one together for each call and appends it to the journal before the answer's last byte goes out. That
/// append is all that a caller waits for; shipping is <see cref="RecordShipper"/>'s.
/// </summary>
internal sealed class AuditTrail : IDisposable
{
    private const int MaxPooled = 512;
    private const int UnauthenticatedPerSecond = 10;
    private static readonly TimeSpan FaultPause = TimeSpan.FromSeconds(1);

    private readonly GuardAudit options;
    private readonly TimeProvider time;
    private readonly ConcurrentBag<CallCapture> spare = [];
    private long faultAt;
    private long dropped;
    private long secondAt;
    private int inSecond;

    /// <exception cref="IOException">The folder cannot be written.</exception>
    public AuditTrail(GuardAudit options, TimeProvider time)
    {
        (this.options, this.time) = (options, time);
        Key = Convert.FromBase64String(options.Key);
        Journal = Journal.Open(options.Folder, Key, options.MaxBacklogBytes);
    }

    public Journal Journal { get; }

    /// <summary>Of every journal of the instance.</summary>
    public byte[] Key { get; }

    public ClientNames Clients { get; } = new();

    public SecretHeaders Secrets { get; } = new();

    public int MaxBodyBytes => options.MaxBodyBytes;

    /// <summary>Records that were not kept, because the bound was reached or the disk failed.</summary>
    public long Dropped => Interlocked.Read(ref dropped);

    /// <summary>No further call may begin: its record could not be kept.</summary>
    public bool MustRefuse => !options.DropWhenFull && (Journal.IsFull || IsFaulty);

    private bool IsFaulty => Volatile.Read(ref faultAt) is var at and not 0 && time.GetElapsedTime(at) < FaultPause;

    /// <summary>From here on everything that is answered passes through the capture.</summary>
    public CallCapture Begin(GuardCall call)
    {
        var capture = spare.TryTake(out var one) ? one : new(this);
        capture.Begin(call, time.GetUtcNow());
        return capture;
    }

    /// <summary>After the last that anybody does with the call.</summary>
    public void Return(CallCapture capture)
    {
        capture.Clear();
        if (spare.Count < MaxPooled)
        {
            spare.Add(capture);
        }
        else
        {
            capture.Dispose();
        }
    }

    /// <summary>Appends the call's record. Once a call; what the guard hands back to the gateway without having done anything is no call.</summary>
    /// <exception cref="IOException">It could not be kept, and without a record nothing may be answered.</exception>
    public void Record(CallCapture capture, GuardCall call)
    {
        if (call.Context.Response.Headers.ContainsKey(ObotHeaders.RetryReason) || (call.Caller is null && !MayRecordUnauthenticated()))
        {
            return;
        }

        if (options.DropWhenFull ? Journal.IsFull : call.Unrecordable)
        {
            Interlocked.Increment(ref dropped);
            return;
        }

        try
        {
            Journal.Append(capture.Write(call, time.GetElapsedTime(call.Started)));
            Volatile.Write(ref faultAt, 0);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            Volatile.Write(ref faultAt, time.GetTimestamp());
            Interlocked.Increment(ref dropped);
            if (!options.DropWhenFull)
            {
                throw new IOException("the record of the call cannot be kept", e);
            }
        }
    }

    /// <summary>Waits until everything is safe elsewhere, or the time is over.</summary>
    public async Task DrainAsync(TimeSpan limit)
    {
        var begun = time.GetTimestamp();
        while (Journal.Waiting > 0 && time.GetElapsedTime(begun) < limit)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), time);
        }
    }

    public void Dispose()
    {
        while (spare.TryTake(out var capture))
        {
            capture.Dispose();
        }

        Journal.Dispose();
    }

    /// <summary>Only the gateway comes here with an assertion; whoever else finds the port must not fill the disk.</summary>
    private bool MayRecordUnauthenticated()
    {
        var second = time.GetTimestamp() / time.TimestampFrequency;
        if (Interlocked.Exchange(ref secondAt, second) != second)
        {
            Volatile.Write(ref inSecond, 0);
        }

        return Interlocked.Increment(ref inSecond) <= UnauthenticatedPerSecond;
    }
}
