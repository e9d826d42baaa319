using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Audit;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <summary>This silo's own records: the same write-ahead file that guards have, and the same way into the database.</summary>
internal sealed partial class SiloJournal(AuditFolders folders, AuditIntake intake, IOptions<AuditOptions> options, TimeProvider time, ILogger<SiloJournal> logger)
    : BackgroundService, IAuditEvents
{
    private const int BatchBytes = 256 * 1024;
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SummaryEvery = TimeSpan.FromSeconds(10);

    private readonly ConcurrentBag<FrameWriter> writers = [];
    private readonly Lazy<Journal> journal = new(() => Journal.Open(folders.OfSilo, folders.KeyOf(null), options.Value.MaxBacklogBytes));
    private readonly Lock anonymous = new();
    private double tokens = options.Value.AnonymousRefusalsPerSecond;
    private long refilledAt = time.GetTimestamp();
    private long unrecorded;

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // a data folder that cannot be written is told now and not with the first refusal
        _ = journal.Value;
        return base.StartAsync(cancellationToken);
    }

    public bool Record(AuditEvent happened)
    {
        if (happened.UserId is null && !MayRecordAnonymous())
        {
            Interlocked.Increment(ref unrecorded);
            return true;
        }

        return Append(happened);
    }

    public override void Dispose()
    {
        base.Dispose();
        if (journal.IsValueCreated)
        {
            journal.Value.Dispose();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);

        // the writer still lives: it was registered before this and is stopped after it
        await ShipAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var summedAt = time.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            if (!await ShipAsync(stoppingToken))
            {
                await Task.Delay(AfterFault, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                continue;
            }

            if (time.GetElapsedTime(summedAt) >= SummaryEvery)
            {
                summedAt = time.GetTimestamp();
                SumUp();
            }

            using var patience = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            patience.CancelAfter(SummaryEvery);
            await journal.Value.WaitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Task.Delay(Gather, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>False when the database did not take them.</summary>
    private async Task<bool> ShipAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        try
        {
            while (journal.Value.Read(journal.Value.Acknowledged, BatchBytes, ref buffer, out var next) is > 0 and var bytes)
            {
                await intake.WriteAsync(null, buffer.AsMemory(0, bytes), cancellationToken);
                journal.Value.Acknowledge(next);
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

    private bool Append(AuditEvent happened)
    {
        var id = happened.Id ?? CallId.New(time.GetUtcNow());
        var writer = writers.TryTake(out var one) ? one : new();
        try
        {
            if (journal.Value.IsFull)
            {
                Interlocked.Increment(ref unrecorded);
                return false;
            }

            writer.Begin(new()
            {
                Id = id,
                At = CallId.TimeOf(id) ?? time.Now(),
                Duration = happened.Duration,
                UserId = happened.UserId,
                CredentialId = happened.CredentialId,
                ClientName = happened.ClientName,
                ClientVersion = happened.ClientVersion,
                ServerId = happened.ServerId,
                Method = happened.Method,
                Identifier = happened.Identifier,
                Status = happened.Status,
                Error = happened.Error,
                SessionId = AuditSession.Of(happened.SessionId),
                TraceId = happened.TraceId,
                ClientIp = happened.ClientIp,
                RequestBytes = happened.RequestBytes,
            });
            journal.Value.Append(writer.End());
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            NotWritten(e, happened.Method, happened.Status);
            return false;
        }
        finally
        {
            writer.Trim();
            writers.Add(writer);
        }
    }

    /// <summary>Anybody may be refused as often as they like: a flood of that must not fill the disk.</summary>
    private bool MayRecordAnonymous()
    {
        lock (anonymous)
        {
            var now = time.GetTimestamp();
            var rate = options.Value.AnonymousRefusalsPerSecond;
            tokens = Math.Min(rate, tokens + (time.GetElapsedTime(refilledAt, now).TotalSeconds * rate));
            refilledAt = now;
            if (tokens < 1)
            {
                return false;
            }

            tokens--;
            return true;
        }
    }

    private void SumUp()
    {
        if (Interlocked.Exchange(ref unrecorded, 0) is > 0 and var count)
        {
            Append(new() { Method = AuditMethods.Refusals, Status = 401, Error = $"{count} more refusals were not recorded one by one (Obot:Audit:AnonymousRefusalsPerSecond)" });
        }
    }

    [LoggerMessage(LogLevel.Warning, "This silo's audit records wait on disk")]
    private partial void NotShipped(Exception exception);

    [LoggerMessage(LogLevel.Error, "An audit record ({Method}, {Status}) could not be written")]
    private partial void NotWritten(Exception exception, string method, int status);
}
