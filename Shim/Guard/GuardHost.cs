using Obot.Shim.Boot;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard;

/// <summary>The life of a guard beside one server: read the boot line, listen, dial the cluster, and end when standard input does.</summary>
internal static class GuardHost
{
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(5);

    /// <returns>0 after an orderly end, 1 when it could not start.</returns>
    public static async Task<int> RunAsync(Stream input, Stream output, TimeProvider time)
    {
        using var lifetime = new LifetimePipe(input);
        await using var events = new EventWriter(output);
        try
        {
            await ServeAsync(await lifetime.ReadBootAsync(ShimJson.Default.GuardBoot), events, time, lifetime.Stopping);
            return 0;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException)
        {
            await events.WriteAsync(new ShimEvent { Event = ShimEvent.Failed, Reason = e.Message });
            return 1;
        }
    }

    private static async Task ServeAsync(GuardBoot boot, EventWriter events, TimeProvider time, CancellationToken stopping)
    {
        await using var app = GuardListener.Build(boot.Listen, boot.Limits.MaxRequestBodyBytes);
        using var instance = new GuardInstance(boot, app.Services, HeartbeatEvery, time);
        app.Run(instance.HandleAsync);

        await app.StartAsync(stopping);
        await events.WriteAsync(new ShimEvent { Event = ShimEvent.Ready, Address = app.Urls.First() });
        using var control = new ControlChannel(new(boot.ControlUrls, boot.ClusterCaPem, instance.Credential), instance.Control, time);
        using var over = new CancellationTokenSource();
        var controlled = control.RunAsync(over.Token);
        await Task.WhenAny(controlled, Task.Delay(Timeout.InfiniteTimeSpan, time, stopping));
        await app.StopAsync(CancellationToken.None);
        // the last records, once the last call has ended; whoever started the guard waits a little longer than that
        await instance.DrainAsync(TimeSpan.FromMilliseconds(boot.Audit?.DrainMilliseconds ?? 0));
        await over.CancelAsync();
        await controlled.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
