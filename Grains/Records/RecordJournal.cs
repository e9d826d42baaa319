using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Audit;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Records;

/// <summary>Records of one kind that this silo makes: the same write-ahead file that guards have, and the same way into the database.</summary>
internal abstract partial class RecordJournal(AuditOptions options, TimeProvider time, ILogger logger) : BackgroundService
{
    /// <summary>Many records in one transaction cost the database a fraction of what they cost one by one.</summary>
    private const int BatchBytes = 1024 * 1024;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    /// <summary>Longest pause between two rounds.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentBag<FrameWriter> writers = [];
    private Journal? journal;
    private volatile bool isFaulty;

    /// <summary>Bound of the file reached, or no file to be had, and it is the operator's will that nothing happens without a record.</summary>
    public bool MustRefuse => options.WhenFull is AuditWhenFull.Refuse && (isFaulty || Journal.IsFull);

    protected TimeProvider Time => time;

    protected abstract JournalPlace Place { get; }

    private Journal Journal => LazyInitializer.EnsureInitialized(ref journal, () => Journal.Open(Place.Folder, Place.Key(), options.MaxBacklogBytes));

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // a data folder that cannot be written is told now and not with the first record
        _ = Journal;
        return base.StartAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // the writer still lives: it was registered before this and is stopped after it
        await ShipAsync(cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        journal?.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Between two rounds, ten seconds apart at most.</summary>
    protected virtual void AfterRound()
    {
    }

    /// <summary>Returns when the record is in the page cache.</summary>
    /// <returns>False when it is not: the file is full, or cannot be written.</returns>
    protected bool Append(AuditRecord record, ReadOnlySpan<byte> request = default, ReadOnlySpan<byte> response = default)
    {
        var writer = writers.TryTake(out var one) ? one : new();
        try
        {
            if (Journal.IsFull)
            {
                return false;
            }

            writer.Begin(record);
            if (request.Length + response.Length > 0)
            {
                writer.BeginDetail();
                writer.RequestBody(request);
                writer.ResponseBody(response);
                writer.EndDetail();
            }

            Journal.Append(writer.End());
            return !(isFaulty = false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            isFaulty = true;
            NotWritten(e, record.Method, record.Status);
            return false;
        }
        finally
        {
            writer.Trim();
            writers.Add(writer);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            if (!await ShipAsync(stoppingToken))
            {
                await Task.Delay(AfterFault, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            AfterRound();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            patience.CancelAfter(Patience);
            await Journal.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(Gather, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>False when the database did not take them.</summary>
    private async Task<bool> ShipAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        try
        {
            while (Journal.Read(Journal.Acknowledged, BatchBytes, ref buffer, out var next) is > 0 and var bytes)
            {
                await Place.WriteAsync(buffer.AsMemory(0, bytes), cancellationToken);
                Journal.Acknowledge(next);
            }

            return true;
        }
        catch (Exception e) when (e is AuditUnavailableException or OperationCanceledException or IOException or UnauthorizedAccessException)
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                NotShipped(e);
            }

            return false;
        }
    }

    [LoggerMessage(LogLevel.Warning, "This silo's records wait on disk")]
    private partial void NotShipped(Exception exception);

    [LoggerMessage(LogLevel.Error, "A record ({Method}, {Status}) could not be written")]
    private partial void NotWritten(Exception exception, string method, int status);
}
