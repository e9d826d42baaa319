using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Grains.Catalog;

/// <summary>
/// Keeps nothing of its own: what was found is in the tables, when to look again in the reminder. Two activations under a partition
/// write one after the other, under the catalog's row lock, and find the same.
/// </summary>
[GrainType("catalog-source")]
internal sealed partial class CatalogSourceGrain(
    CatalogSync sync, IDbContextFactory<ObotDb> databases, IOptions<CatalogOptions> options, TimeProvider time, ILogger<CatalogSourceGrain> logger)
    : Grain, ICatalogSourceGrain, IRemindable, IDisposable
{
    private const string ReminderName = "sync";
    private static readonly TimeSpan KeepFor = TimeSpan.FromMinutes(10);
    private readonly CancellationTokenSource _leaving = new();
    private long _last;
    private long _done;
    private long _wanted;
    private bool _running;
    private bool _scheduled;
    private string? _trouble;

    private string Id => this.GetPrimaryKeyString();

    public async Task<long> Sync()
    {
        await ScheduleAsync();

        // by the clock, so that a number given out before a crash is reached by the runs after it
        _wanted = _last = Math.Max(_last + 1, time.GetUtcNow().UtcTicks);
        if (!_running)
        {
            _running = true;
            _ = RunAsync();
        }

        return _wanted;
    }

    public Task<CatalogProgress> GetProgress() => Task.FromResult(new CatalogProgress(_done, _running, _trouble));

    public async Task Forget()
    {
        await _leaving.CancelAsync();
        if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }

        DeactivateOnIdle();
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        await using var db = await databases.CreateDbContextAsync();
        var id = Id;
        if (await db.Catalogs.AnyAsync(row => row.Id == id && row.SourceUrls.Length > 0))
        {
            await Sync();
        }
        else
        {
            await Forget();
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _leaving.CancelAsync();
        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    public void Dispose() => _leaving.Dispose();

    private async Task ScheduleAsync()
    {
        if (!_scheduled)
        {
            var interval = options.Value.SyncInterval;
            await this.RegisterOrUpdateReminder(ReminderName, interval, interval);
            _scheduled = true;
        }
    }

    /// <summary>Beside the turns; its continuations are turns of their own.</summary>
    private async Task RunAsync()
    {
        var token = _leaving.Token;
        while (_done < _wanted && !token.IsCancellationRequested)
        {
            var run = _wanted;
            DelayDeactivation(KeepFor);
            try
            {
                await Task.Run(() => sync.RunAsync(Id, token), token);
                _trouble = null;
            }
            catch (Exception e)
            {
                _trouble = "What was read could not be written down. The log of the platform says why.";
                LogFailed(e, Id);
            }

            _done = run;
        }

        _running = false;
    }

    [LoggerMessage(LogLevel.Error, "The synchronization of catalog {Catalog} failed")]
    private partial void LogFailed(Exception exception, string catalog);
}
