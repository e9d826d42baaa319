using Obot.Shim.Bridge.Boot;
using Obot.Shim.Boot;
using Obot.Shim.Bridge.Calls;
using Obot.Shim.Bridge.Children;
using Obot.Shim.Bridge.Packages;
using Obot.Shim.Bridge.Transport;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Bridge;

/// <summary>The life of a bridge: read the boot line, start the server, serve, and leave nothing behind.</summary>
internal sealed class BridgeHost(LifetimePipe lifetime, EventWriter events, TimeProvider time)
{
    /// <summary>As a process of its own: afterwards nothing is left of its process group.</summary>
    public static async Task<int> RunAsync()
    {
        try
        {
            return await RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), TimeProvider.System);
        }
        finally
        {
            ProcessTree.KillOwnGroup();
        }
    }

    /// <returns>The exit code: 0 after an orderly end, 1 when the server could not be started.</returns>
    public static async Task<int> RunAsync(Stream input, Stream output, TimeProvider time)
    {
        using var lifetime = new LifetimePipe(input);
        await using var events = new EventWriter(output);
        return await new BridgeHost(lifetime, events, time).LiveAsync();
    }

    private async Task<int> LiveAsync()
    {
        try
        {
            var boot = await lifetime.ReadBootAsync(ShimJson.Default.BridgeBoot);
            Directory.CreateDirectory(boot.WorkingDirectory);
            await ServeAsync(boot);
            return 0;
        }
        catch (OperationCanceledException) when (lifetime.Stopping.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e)
        {
            await events.WriteAsync(new ShimEvent { Event = ShimEvent.Failed, Reason = e.Message });
            return 1;
        }
    }

    private async Task ServeAsync(BridgeBoot boot)
    {
        var log = new ServerLog(events, time);
        var npm = new NpmPackages(boot, time);
        using var startup = CancellationTokenSource.CreateLinkedTokenSource(lifetime.Stopping);
        startup.CancelAfter(TimeSpan.FromSeconds(boot.Limits.StartupTimeoutSeconds));

        await BridgeFiles.WriteAsync(boot, startup.Token);
        var command = await WithinAsync(boot, "was not installed", () => string.Empty, ct => PackageCommands.PrepareAsync(boot, npm, ct), startup.Token);
        if (boot.PrepareOnly)
        {
            await npm.RefreshAsync(startup.Token);
            return;
        }

        await using var pool = new ChildPool(boot, command, log, time);
        var probe = new ServerProbe(pool.OpenProbe, time);
        var (profile, spare) = await WithinAsync(boot, "did not answer initialize", () => probe.Errors, probe.RunAsync, startup.Token);
        pool.Keep(spare);

        var endpoint = new BridgeEndpoint(boot, new LegacyEndpoint(pool, profile, time), new ModernEndpoint(pool, profile, time), log);
        await using var listener = await SocketListener.StartAsync(boot.Socket, boot.Listen, endpoint.HandleAsync);
        await events.WriteAsync(new ShimEvent { Event = ShimEvent.Ready, Address = boot.Socket ?? boot.Listen, Modern = profile.IsModern });

        _ = pool.ReapAsync(lifetime.Stopping);
        if (boot.Command is { Runtime: "npx", PackagesReadOnly: false })
        {
            _ = npm.RefreshAsync(lifetime.Stopping);
        }

        await Task.Delay(Timeout.Infinite, lifetime.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // the children first: their end answers the calls in flight, while somebody still listens
        await pool.DisposeAsync();
    }

    private async Task<T> WithinAsync<T>(BridgeBoot boot, string what, Func<string> errors, Func<CancellationToken, Task<T>> work, CancellationToken startup)
    {
        try
        {
            return await work(startup);
        }
        catch (OperationCanceledException) when (!lifetime.Stopping.IsCancellationRequested)
        {
            throw new ServerStartException($"the server {what} within {boot.Limits.StartupTimeoutSeconds} s\n{errors()}".TrimEnd());
        }
    }
}
