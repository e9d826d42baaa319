using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;

namespace Obot.Grains.Files;

/// <summary>Removes objects that no file refers to any more. Each silo takes some; none is taken twice.</summary>
internal sealed partial class FileSweep(IDbContextFactory<ObotDb> databases, IFileStore store, IOptions<FileStorageOptions> options, TimeProvider time, ILogger<FileSweep> logger) : BackgroundService
{
    private const int AtOnce = 100;

    /// <summary>One round; true when there may be more.</summary>
    public async Task<bool> SweepAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var due = await db.FileRemovals.FromSql($"SELECT * FROM file_removals WHERE due_at <= {time.Now()} ORDER BY due_at LIMIT {AtOnce} FOR UPDATE SKIP LOCKED").ToListAsync(cancellationToken);
        foreach (var removal in due)
        {
            await store.DeleteAsync(removal.ObjectKey, cancellationToken);
        }

        db.FileRemovals.RemoveRange(due);
        await db.SaveChangesAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return due.Count == AtOnce;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                while (await SweepAsync(stoppingToken))
                {
                }
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogNotSwept(e);
            }

            await Task.Delay(options.Value.SweepInterval, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Removed files are still in the storage; it is tried again")]
    private partial void LogNotSwept(Exception exception);
}
