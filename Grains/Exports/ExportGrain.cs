using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Exports;

namespace Obot.Grains.Exports;

/// <summary>Keeps nothing of its own: how far the export is stands in its row.</summary>
[GrainType("audit-export")]
internal sealed class ExportGrain(ExportRun run, IDbContextFactory<ObotDb> databases) : Grain, IExportGrain, IRemindable, IDisposable
{
    private const string ReminderName = "run";
    private static readonly TimeSpan LookAgain = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan KeepFor = TimeSpan.FromMinutes(10);
    private CancellationTokenSource _stopping = new();
    private Task _running = Task.CompletedTask;

    public async Task Run()
    {
        await this.RegisterOrUpdateReminder(ReminderName, LookAgain, LookAgain);
        if (_running.IsCompleted)
        {
            DelayDeactivation(KeepFor);
            if (_stopping.IsCancellationRequested)
            {
                _stopping.Dispose();
                _stopping = new();
            }

            var (id, token) = (this.GetPrimaryKeyString(), _stopping.Token);
            _running = Task.Run(() => run.RunAsync(id, token), token);
        }
        else
        {
            DelayDeactivation(KeepFor);
        }
    }

    public async Task Stop()
    {
        await _stopping.CancelAsync();
        await EndReminderAsync();
    }

    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        await using var db = await databases.CreateDbContextAsync();
        var id = this.GetPrimaryKeyString();
        if (await db.Exports.AnyAsync(row => row.Id == id && (row.State == ExportStates.Pending || row.State == ExportStates.Running)))
        {
            await Run();
        }
        else
        {
            await EndReminderAsync();
        }
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync();
        await base.OnDeactivateAsync(reason, cancellationToken);
    }

    public void Dispose() => _stopping.Dispose();

    private async Task EndReminderAsync()
    {
        if (await this.GetReminder(ReminderName) is { } reminder)
        {
            await this.UnregisterReminder(reminder);
        }
    }
}
