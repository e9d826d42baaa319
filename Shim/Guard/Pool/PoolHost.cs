using System.Text.Json;
using Obot.Shim.Boot;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Control;

namespace Obot.Shim.Guard.Pool;

/// <summary>The life of a pooled guard: read the boot line, listen, dial the cluster, take orders, and end when standard input does.</summary>
internal static class PoolHost
{
    /// <returns>0 after an orderly end, 1 when it could not start.</returns>
    public static async Task<int> RunAsync(Stream input, Stream output, TimeProvider time)
    {
        using var lifetime = new LifetimePipe(input, takesOrders: true);
        await using var events = new EventWriter(output);
        try
        {
            await ServeAsync(await lifetime.ReadBootAsync(ShimJson.Default.PoolBoot), lifetime, events, time);
            return 0;
        }
        catch (Exception e) when (e is InvalidDataException or IOException or FormatException)
        {
            await events.WriteAsync(new ShimEvent { Event = ShimEvent.Failed, Reason = e.Message });
            return 1;
        }
    }

    private static async Task ServeAsync(PoolBoot boot, LifetimePipe lifetime, EventWriter events, TimeProvider time)
    {
        await using var app = GuardListener.Build(boot.Listen, boot.MaxRequestBodyBytes);
        var credential = new GuardCredential(boot.Credential);
        using var pool = new InstancePool(app.Services, credential, time);
        app.Run(pool.HandleAsync);

        await app.StartAsync(lifetime.Stopping);
        await events.WriteAsync(new ShimEvent { Event = ShimEvent.Ready, Address = app.Urls.First() });
        using var control = new ControlChannel(new(boot.ControlUrls, boot.ClusterCaPem, credential), pool.Control, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(lifetime.Stopping);
        var talking = control.RunAsync(over.Token);
        await Task.WhenAny(ObeyAsync(lifetime, pool, events), talking);
        await over.CancelAsync();
        await talking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(CancellationToken.None);
    }

    private static async Task ObeyAsync(LifetimePipe lifetime, InstancePool pool, EventWriter events)
    {
        await foreach (var line in lifetime.Orders)
        {
            var order = Read(line);
            if (order?.Attach is { } boot)
            {
                var fault = pool.Attach(boot);
                await events.WriteAsync(new ShimEvent { Event = fault is null ? ShimEvent.Attached : ShimEvent.Refused, Reason = fault, Instance = boot.Instance, Generation = boot.Generation });
            }
            else if (order?.Detach is { } instance)
            {
                pool.Detach(instance, order.Generation);
            }
        }
    }

    private static PoolOrder? Read(byte[] line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, ShimJson.Default.PoolOrder);
        }
        catch (JsonException)
        {
            // whoever waits for its answer says that none came
            return null;
        }
    }
}
