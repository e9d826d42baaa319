using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Hosting;
using Orleans.Placement;

namespace Obot.Grains.Hosting;

/// <summary>
/// The deployment state machine of one instance. A generation is written down before anything of it exists, so an activation that
/// lost its place (two may exist for a moment under a partition) fails on the ETag instead of starting a second server.
/// </summary>
[GrainType("mcp-server"), RandomPlacement]
internal sealed partial class McpServerGrain(
    [PersistentState("mcp-server")] IPersistentState<McpServerState> storage,
    ServerBackends backends,
    ServerPlans plans,
    ILocalSiloDetails silo,
    IOptions<HostingOptions> options,
    TimeProvider time,
    ILogger<McpServerGrain> logger) : Grain, IMcpServerGrain, IMcpServerLife
{
    private readonly Dictionary<IRouteObserver, DateTimeOffset> observers = [];
    private GuardLink guard = new(time);
    private IGrainTimer? watch;
    private int failedProbes;
    private bool probing;

    /// <summary>Backend of the start under way, and what that is busy with.</summary>
    private string? chosen;
    private volatile string? progress;

    private McpInstanceId Instance => McpInstanceId.Parse(this.GetPrimaryKeyString());

    private McpServerState State => storage.State;

    /// <summary>The generation that serves, or is about to.</summary>
    private long Current => State.Serving ?? State.Generation;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        if (State.Status is DeploymentStatus.Running or DeploymentStatus.Starting or DeploymentStatus.Unhealthy)
        {
            Watch();
        }

        return Task.CompletedTask;
    }

    public async Task<ServerRoute> EnsureRunning(long failedGeneration, IRouteObserver observer, CancellationToken cancellationToken)
    {
        observers[observer] = time.GetUtcNow();
        switch (State.Status)
        {
            case DeploymentStatus.Running when !backends.MayLive(State.Deployment!):
                LogHostGone(Instance, Current, State.Deployment!.Host);
                await BeginStart(SiloLeft);
                break;
            case DeploymentStatus.Running when failedGeneration == Current:
                // the caller may be wrong: ask the guard itself, outside of this turn
                Probe(restartNow: true);
                return Route() with { Status = DeploymentStatus.Starting, GuardUrl = null };
            case DeploymentStatus.Starting when StartIsLost():
            case DeploymentStatus.Stopped:
            case DeploymentStatus.Unhealthy or DeploymentStatus.Failed when State.RetryAt is null || State.RetryAt <= time.GetUtcNow():
                await BeginStart();
                break;
        }

        return Route();
    }

    public Task<ServerRoute> Observe(IRouteObserver observer)
    {
        observers[observer] = time.GetUtcNow();
        return Task.FromResult(Route());
    }

    public Task Unobserve(IRouteObserver observer)
    {
        observers.Remove(observer);
        return Task.CompletedTask;
    }

    public Task<ServerDeployment> GetDeployment() => Task.FromResult(new ServerDeployment
    {
        Status = State.Status is DeploymentStatus.Running && !backends.MayLive(State.Deployment!) ? DeploymentStatus.Stopped : State.Status,
        Reason = State.Status is DeploymentStatus.Starting ? progress ?? State.Reason : State.Reason,
        Generation = Current,
        GuardUrl = State.Deployment?.GuardUrl,
        Backend = State.Deployment?.Backend ?? chosen ?? State.Backend,
        Host = State.Deployment?.Host ?? State.Host,
        Image = State.Deployment?.Image,
        Processes = State.Deployment?.Processes ?? [],
        StartedAt = State.StartedAt,
        LastActivity = guard.LastActivity,
        Failures = State.Failures,
        Restarts = State.Restarts,
        ManifestRevision = State.ManifestRevision,
        RunningManifest = State.RunningManifest,
        RetryAt = State.RetryAt,
        InFlight = guard.InFlight,
    });

    public async Task Stop(string reason)
    {
        if (State.Status is DeploymentStatus.Stopped)
        {
            return;
        }

        GrainsInstruments.Ended(brokeDown: false);
        await Become(State with { Status = DeploymentStatus.Stopped, Reason = reason, RetryAt = null, Failures = 0, Restarts = 0, Serving = null });
        await EndProcesses();
    }

    public async Task Reset()
    {
        if (State.Failures > 0)
        {
            await Become(State with { Failures = 0, RetryAt = null });
        }
    }

    public async Task Remove()
    {
        await Stop("removed");
        try
        {
            await backends.RemoveAsync(Instance, CancellationToken.None);
        }
        catch (Exception e)
        {
            // what is left is found by the backend's sweep
            LogEndFailed(Instance, State.Generation, e);
        }

        await storage.ClearStateAsync();
        DeactivateOnIdle();
    }

    public async Task<bool> GuardConnected(long generation, IGuardChannel channel)
    {
        if (generation != Current)
        {
            return false;
        }

        guard.Connected(channel);
        await Task.CompletedTask;
        return true;
    }

    public Task ReportActivity(long generation, int inFlight, TimeSpan? idle)
    {
        if (generation == Current)
        {
            guard.Report(inFlight, idle);
        }

        return Task.CompletedTask;
    }

    private ServerRoute Route() => new(
        Instance.ToString(),
        Current,
        State.Status,
        State.Status is DeploymentStatus.Running ? State.Deployment!.GuardUrl : null,
        State.Reason,
        State.RetryAt);

    /// <summary>Writes the new state down, then tells everybody who forwards.</summary>
    private async Task Become(McpServerState next)
    {
        var changed = (next.Status, next.Generation, next.Serving) != (State.Status, State.Generation, State.Serving);
        storage.State = next;
        await storage.WriteStateAsync();
        if (!changed)
        {
            return;
        }

        LogBecame(Instance, next.Generation, next.Status, next.Reason);
        if (next.Status is DeploymentStatus.Stopped or DeploymentStatus.Failed)
        {
            Unwatch();
        }
        else
        {
            Watch();
        }

        var route = Route();
        foreach (var observer in observers.Keys)
        {
            // one-way: whoever does not hear it asks again
            observer.RouteChanged(route).Ignore();
        }
    }

    [LoggerMessage(LogLevel.Information, "{Instance} generation {Generation} is {Status} {Reason}")]
    private partial void LogBecame(McpInstanceId instance, long generation, DeploymentStatus status, string? reason);

    [LoggerMessage(LogLevel.Warning, "{Instance} generation {Generation} was on {Host}, which has left the cluster")]
    private partial void LogHostGone(McpInstanceId instance, long generation, string host);

    [LoggerMessage(LogLevel.Warning, "{Instance} generation {Generation} could not be ended cleanly")]
    private partial void LogEndFailed(McpInstanceId instance, long generation, Exception exception);
}
