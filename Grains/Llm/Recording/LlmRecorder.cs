using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Records;

namespace Obot.Grains.Llm.Recording;

/// <summary>
/// A bounded queue between calls and the writer. While the database does not take records they wait in memory; beyond the queue's room they
/// are lost and counted, because calls must not wait for them.
/// </summary>
internal sealed partial class LlmRecorder(RecordWriter<LlmRow> writer, IEncryption encryption, TimeProvider time, ILogger<LlmRecorder> logger) : BackgroundService, ILlmRecorder
{
    private const int Room = 20_000;
    private const int Batch = 500;
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AtTheEnd = TimeSpan.FromSeconds(5);

    private readonly Channel<LlmRecord> queue = Channel.CreateBounded<LlmRecord>(new BoundedChannelOptions(Room) { SingleReader = true });
    private long lost;

    public void Record(LlmRecord record)
    {
        if (!queue.Writer.TryWrite(record) && Interlocked.Increment(ref lost) is var count && (count == 1 || count % 1000 == 0))
        {
            LogLost(count);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        queue.Writer.TryComplete();
        await (ExecuteTask ?? Task.CompletedTask).WaitAsync(AtTheEnd, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var rows = new List<LlmRow>(Batch);
        try
        {
            while (await queue.Reader.WaitToReadAsync(stoppingToken))
            {
                rows.Clear();
                while (rows.Count < Batch && queue.Reader.TryRead(out var record))
                {
                    if (Sealed(record) is { } row)
                    {
                        rows.Add(row);
                    }
                }

                await WriteAsync([.. rows], stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    /// <summary>A record whose bodies cannot be encrypted now goes without them.</summary>
    private LlmRow? Sealed(LlmRecord record)
    {
        try
        {
            return LlmRow.Of(record, encryption);
        }
        catch (EncryptionException e)
        {
            LogWithoutBodies(e.Message);
            return new(record, null);
        }
    }

    private async Task WriteAsync(IReadOnlyList<LlmRow> rows, CancellationToken stoppingToken)
    {
        while (true)
        {
            try
            {
                await writer.WriteAsync(rows, stoppingToken);
                return;
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException && !stoppingToken.IsCancellationRequested)
            {
                await Task.Delay(AfterFault, time, stoppingToken);
            }
        }
    }

    [LoggerMessage(LogLevel.Error, "{Count} records of model calls were lost: the database does not take them and the queue is full")]
    private partial void LogLost(long count);

    [LoggerMessage(LogLevel.Warning, "A record of a model call is kept without its bodies: {Reason}")]
    private partial void LogWithoutBodies(string reason);
}
