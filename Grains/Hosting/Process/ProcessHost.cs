using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts;

namespace Obot.Grains.Hosting.Process;

/// <summary>
/// The processes of this silo. They are tied to it by their lifetime pipes: they end with the silo, and the next generation starts
/// on another.
/// </summary>
internal sealed partial class ProcessHost(
    BootDocuments boots,
    RecentLogs logs,
    ILocalSiloDetails silo,
    IGrainFactory grains,
    IOptions<HostingOptions> options,
    IHttpClientFactory http,
    ILogger<ProcessHost> logger) : IHostedService, IAsyncDisposable
{
    internal const string HttpClientName = "guard-health";
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CauseWithin = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan StartMargin = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<(McpInstanceId Instance, long Generation), RunningServer> running = new();
    private readonly string runFolder = Directory.CreateTempSubdirectory("obot-").FullName;

    public async Task<Deployment> StartAsync(ServerStart start, CancellationToken cancellationToken)
    {
        if (!start.Beside)
        {
            await StopAsync(start.Instance, start.Generation - 1);
        }

        logs.Begin(start.Instance, start.Generation);
        var shim = options.Value.Shim;
        var seconds = start.Manifest.StartupTimeoutSeconds;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(TimeSpan.FromSeconds(seconds) + StartMargin);
        var server = new RunningServer(start.Instance, start.Generation);
        running[(start.Instance, start.Generation)] = server;
        try
        {
            var socket = Path.Combine(runFolder, $"{RandomNumberGenerator.GetHexString(12, lowercase: true)}.sock");
            var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
            if (boots.Bridge(start, socket, secret) is { } bridgeBoot)
            {
                server.Bridge = ShimProcess.Start(shim, ShimProcess.BridgeRole, bridgeBoot, ShimJson.Default.BridgeBoot, line => logs.Write(start.Instance, start.Generation, line));
            }

            server.Guard = ShimProcess.Start(shim, ShimProcess.GuardRole, boots.Guard(start, socket, secret), ShimJson.Default.GuardBoot, line => logs.Write(start.Instance, start.Generation, line));
            if (server.Bridge is not null)
            {
                await server.Bridge.ReadyAsync(timeout.Token);
            }

            var ready = await server.Guard.ReadyAsync(timeout.Token);
            server.Url = ready.Address;
            WatchAsync(server).Ignore();
            return new()
            {
                Backend = BackendNames.Process,
                Host = silo.SiloAddress.ToParsableString(),
                GuardUrl = ready.Address!,
                Processes = [.. server.Processes.Select(process => new DeploymentProcess(process.Role, process.Pid))],
            };
        }
        catch (Exception e)
        {
            await EndAsync(server);
            throw e switch
            {
                ServerStartException => e,
                OperationCanceledException => new ServerStartException($"did not become ready within {seconds} s{logs.Tail(start.Instance)}"),
                _ => new ServerStartException($"could not be started: {e.Message}"),
            };
        }
    }

    public Task StopAsync(McpInstanceId instance, long generation) =>
        Task.WhenAll(running.Values.Where(server => server.Instance == instance && server.Generation <= generation).Select(EndAsync));

    public async Task<string?> ProbeAsync(McpInstanceId instance, string guardUrl, CancellationToken cancellationToken)
    {
        if (running.Values.FirstOrDefault(one => one.Instance == instance && one.Url == guardUrl) is not { } server)
        {
            return "its processes are gone";
        }

        try
        {
            using var client = http.CreateClient(HttpClientName);
            using var answer = await client.GetAsync(new Uri(guardUrl + "/readyz"), cancellationToken);
            return answer.IsSuccessStatusCode ? null : $"its guard reports {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}";
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            // the one that complains may be quicker than the watcher, which knows the cause: a bridge that died takes its guard along
            return await Task.WhenAny(server.Broken.Task, Task.Delay(CauseWithin, cancellationToken)) is Task<string> cause
                ? await cause
                : $"its guard does not answer: {e.Message}";
        }
    }

    Task IHostedService.StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    async Task IHostedService.StopAsync(CancellationToken cancellationToken) => await Task.WhenAll(running.Values.Select(EndAsync));

    public ValueTask DisposeAsync()
    {
        // the container knows it by two names and disposes of it by each
        if (Directory.Exists(runFolder))
        {
            Directory.Delete(runFolder, recursive: true);
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Guard and bridge live and die together: a generation with one of them is none.</summary>
    private async Task WatchAsync(RunningServer server)
    {
        var reason = await await Task.WhenAny(server.Processes.Select(process => process.Exited));
        if (server.Ending)
        {
            return;
        }

        reason += logs.Tail(server.Instance);
        LogEnded(server.Instance, server.Generation, reason);
        server.Broken.TrySetResult(reason);
        await EndAsync(server);
        await grains.GetGrain<IMcpServerGrain>(server.Instance.ToString()).DeploymentEnded(server.Generation, reason);
    }

    private async Task EndAsync(RunningServer server)
    {
        server.Ending = true;
        await Task.WhenAll(server.Processes.Select(process => process.StopAsync(Grace)));
        if (running.TryRemove(new((server.Instance, server.Generation), server)))
        {
            foreach (var process in server.Processes)
            {
                process.Dispose();
            }
        }
    }

    [LoggerMessage(LogLevel.Warning, "{Instance} generation {Generation} broke down: {Reason}")]
    private partial void LogEnded(McpInstanceId instance, long generation, string reason);

    private sealed class RunningServer(McpInstanceId instance, long generation)
    {
        public McpInstanceId Instance { get; } = instance;

        public long Generation { get; } = generation;

        public ShimProcess? Bridge { get; set; }

        public ShimProcess? Guard { get; set; }

        /// <summary>Where its guard listens, once it does.</summary>
        public string? Url { get; set; }

        public volatile bool Ending;

        /// <summary>Why it broke down, as soon as that is known.</summary>
        public TaskCompletionSource<string> Broken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public IEnumerable<ShimProcess> Processes => new[] { Guard, Bridge }.OfType<ShimProcess>();
    }
}
