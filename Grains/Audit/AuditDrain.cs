using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Obot.Grains.Abstractions.Audit;
using Obot.Grains.Records;
using Obot.Shim.Contracts.Audit;

namespace Obot.Grains.Audit;

/// <summary>
/// Brings home what dead guards and silos of this host left. A journal's lock ends with its process, so a moment after a <c>kill -9</c> its records are on
/// their way, whether or not a next generation starts.
/// </summary>
internal sealed partial class AuditDrain(IEnumerable<IJournalPlaces> places, TimeProvider time, ILogger<AuditDrain> logger) : BackgroundService
{
    private const int BatchBytes = 256 * 1024;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private readonly HashSet<string> unreadable = new(StringComparer.Ordinal);

    /// <summary>One look; false when something has to wait.</summary>
    public async Task<bool> LookAsync(CancellationToken cancellationToken)
    {
        foreach (var place in places.SelectMany(one => one.All()))
        {
            foreach (var left in AbandonedJournal.FindAll(place.Folder))
            {
                using (left)
                {
                    try
                    {
                        await BringHomeAsync(left, place, cancellationToken);
                    }
                    catch (CryptographicException e)
                    {
                        // another cluster's data folder, or a secret that was lost: whoever has it may still come
                        if (unreadable.Add(place.Folder))
                        {
                            Unreadable(e, place.Folder);
                        }
                    }
                }
            }
        }

        return true;
    }

    private async Task BringHomeAsync(AbandonedJournal left, JournalPlace place, CancellationToken cancellationToken)
    {
        var bytes = 0L;
        foreach (var batch in left.Read(place.Key(), BatchBytes))
        {
            await place.WriteAsync(batch, cancellationToken);
            bytes += batch.Length;
        }

        left.Remove();
        Drained(place.Folder, bytes, left.Torn);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception e) when (e is AuditUnavailableException or IOException or UnauthorizedAccessException or OperationCanceledException)
            {
                if (!stoppingToken.IsCancellationRequested)
                {
                    NotDrained(e);
                }
            }

            await Task.Delay(Every, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Information, "Audit records that were left in {Folder} are in the database ({Bytes} bytes; {Torn} bytes of unfinished writes)")]
    private partial void Drained(string folder, long bytes, long torn);

    [LoggerMessage(LogLevel.Error, "Audit records in {Folder} are encrypted with a key that this cluster does not have; they stay there")]
    private partial void Unreadable(Exception exception, string folder);

    [LoggerMessage(LogLevel.Warning, "Audit records that somebody left on this host could not be brought into the database yet")]
    private partial void NotDrained(Exception exception);
}
