using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Starts, health, back-off and idle stop.</summary>
internal sealed partial class McpServerGrain
{
    private const string SiloLeft = "the silo that ran it has left the cluster";
    private static readonly TimeSpan StartMargin = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan HeldLongEnough = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ObserverLifetime = TimeSpan.FromHours(1);

    public async Task StartEnded(long generation, Deployment? deployment, string? reason, StartedFrom from)
    {
        if (generation == State.Generation && State is { Status: DeploymentStatus.Running, Serving: not null })
        {
            await ReplacementEnded(deployment, reason, from);
            return;
        }

        if (generation != State.Generation || State.Status is not DeploymentStatus.Starting)
        {
            // somebody stopped it, or went on without us: what came up belongs to nobody. Beside one that serves it waits for the end of that:
            // who ends a generation ends the earlier ones
            if (deployment is not null && State.Serving is null)
            {
                await backends.StopAsync(Instance, generation, deployment, startedOn: null, CancellationToken.None);
            }

            return;
        }

        if (deployment is not null)
        {
            guard.Started();
            await Become(State with
            {
                Status = DeploymentStatus.Running, Deployment = deployment, Backend = deployment.Backend, RetryAt = null, StartedAt = time.GetUtcNow(), ManifestRevision = from.Revision, Runtime = from.Runtime, RunningManifest = from.Manifest,
            });
            return;
        }

        var failures = State.Failures + 1;
        await Become(State with
        {
            Status = DeploymentStatus.Failed, Reason = reason, Deployment = null, Backend = chosen ?? State.Backend, Failures = failures, RetryAt = time.GetUtcNow() + BackOff(failures), ManifestRevision = from.Revision,
        });
    }

    public async Task DeploymentEnded(long generation, string reason)
    {
        if (generation != Current || State.Status is not DeploymentStatus.Running)
        {
            return;
        }

        GrainsInstruments.Ended(brokeDown: true);
        var held = time.GetUtcNow() - State.StartedAt > HeldLongEnough;
        var failures = held ? 1 : State.Failures + 1;
        // the first breakdown restarts at once, later ones wait longer and longer
        var pause = failures == 1 ? TimeSpan.Zero : BackOff(failures - 1);
        await Become(State with { Status = DeploymentStatus.Unhealthy, Reason = reason, Deployment = null, Serving = null, Failures = failures, Restarts = State.Restarts + 1, RetryAt = time.GetUtcNow() + pause });
        if (pause == TimeSpan.Zero)
        {
            await BeginStart();
        }
    }

    public async Task ProbeEnded(long generation, string? fault, bool restartNow)
    {
        probing = false;
        if (generation != Current || State.Status is not DeploymentStatus.Running)
        {
            return;
        }

        if (fault is null)
        {
            failedProbes = 0;
            if (restartNow)
            {
                await Become(State);
                Announce();
            }

            return;
        }

        failedProbes++;
        if (restartNow || failedProbes >= options.Value.HealthFailures)
        {
            var deployment = State.Deployment;
            await DeploymentEnded(generation, fault);
            await EndProcesses(generation, deployment, State.Host);
        }
    }

    /// <summary>The generation is written down first; the work itself goes on beside the turns of this grain.</summary>
    private async Task BeginStart(string? brokeDown = null)
    {
        var host = silo.SiloAddress.ToParsableString();
        failedProbes = 0;
        guard.Forget();
        progress = null;
        await Become(State with
        {
            Generation = State.Generation + 1,
            Serving = null,
            Status = DeploymentStatus.Starting,
            // after a breakdown the reason stays: the state tells why there is a new generation
            Reason = brokeDown ?? (State.Status is DeploymentStatus.Unhealthy ? State.Reason : null),
            Restarts = State.Restarts + (brokeDown is null ? 0 : 1),
            Deployment = null,
            Host = host,
            RetryAt = null,
            StartDeadline = time.GetUtcNow() + TimeSpan.FromSeconds(600) + StartMargin,
        });
        Start(State.Generation, beside: false).Ignore();
    }

    private async Task Start(long generation, bool beside)
    {
        var self = this.AsReference<IMcpServerLife>();
        var from = new StartedFrom(0, null, null);
        var started = time.GetTimestamp();
        try
        {
            var plan = await plans.FindAsync(Instance, CancellationToken.None) ?? throw new ServerStartException("the server was deleted");
            from = new(plan.Revision, plan.Manifest.Runtime, ManifestJson.Serialize(ManifestEntries.Redact(plan.Manifest)));
            if (ManifestEntries.Missing(plan.Manifest, plan.Values) is { Count: > 0 } missing)
            {
                throw new ServerStartException($"it needs configuration first: {string.Join(", ", missing)}");
            }

            var backend = backends.For(plan.Manifest);
            chosen = backend.Name;
            var start = new ServerStart(Instance, generation, plan.Manifest, plan.Access, plan.Values) { Progress = said => progress = said, Titles = plan.Titles, Beside = beside };
            var deployment = await backend.StartAsync(start, CancellationToken.None);
            GrainsInstruments.Started(backend.Name, runs: true, time.GetElapsedTime(started));
            await self.StartEnded(generation, deployment, reason: null, from);
        }
        catch (ServerStartException e)
        {
            GrainsInstruments.Started(chosen, runs: false, time.GetElapsedTime(started));
            await self.StartEnded(generation, deployment: null, e.Message, from);
        }
        catch (Exception e)
        {
            LogEndFailed(Instance, generation, e);
            await self.StartEnded(generation, deployment: null, $"the start broke off: {e.Message}", from);
        }
    }

    private bool StartIsLost() => State.StartDeadline < time.GetUtcNow() || (State.Host is { } host && !backends.StarterMayLive(host));

    private TimeSpan BackOff(int failures)
    {
        var seconds = Math.Pow(2, Math.Min(failures - 1, 16));
        var max = options.Value.MaxBackOff;
        return seconds >= max.TotalSeconds ? max : TimeSpan.FromSeconds(seconds);
    }

    private void Watch()
    {
        var period = TimeSpan.FromTicks(Math.Clamp(options.Value.IdleTimeoutOf(State.Runtime).Ticks / 4, TimeSpan.TicksPerSecond / 4, options.Value.HealthInterval.Ticks));
        watch ??= this.RegisterGrainTimer(Tick, new GrainTimerCreationOptions(period, period) { KeepAlive = true });
    }

    private void Unwatch()
    {
        watch?.Dispose();
        watch = null;
    }

    private async Task Tick(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var observer in observers.Where(entry => now - entry.Value > ObserverLifetime).Select(entry => entry.Key).ToList())
        {
            observers.Remove(observer);
        }

        switch (State.Status)
        {
            case DeploymentStatus.Running when !backends.MayLive(State.Deployment!):
                await Become(State with { Status = DeploymentStatus.Stopped, Reason = SiloLeft, Deployment = null, Serving = null });
                break;
            case DeploymentStatus.Running when guard.IsIdleFor(options.Value.IdleTimeoutOf(State.Runtime)):
                await StopIdle();
                break;
            case DeploymentStatus.Running:
                Probe(restartNow: false);
                break;
            case DeploymentStatus.Starting when StartIsLost():
                await Become(State with { Status = DeploymentStatus.Stopped, Reason = "the silo that started it has left the cluster", Deployment = null });
                break;
            case DeploymentStatus.Unhealthy when State.RetryAt <= now && State.Failures <= options.Value.MaxAutomaticRestarts:
                await BeginStart();
                break;
            case DeploymentStatus.Unhealthy when State.Failures > options.Value.MaxAutomaticRestarts:
                await Become(State with { Status = DeploymentStatus.Failed });
                break;
        }
    }

    /// <summary>The guard refuses while anything is in hand, and refuses everything once it agreed.</summary>
    private async Task StopIdle()
    {
        if (!await guard.Drain(options.Value.IdleTimeoutOf(State.Runtime)))
        {
            return;
        }

        await Become(State with { Status = DeploymentStatus.Stopped, Reason = "idle", RetryAt = null, Failures = 0, Restarts = 0, Serving = null });
        await EndProcesses();
    }

    private Task EndProcesses() => EndProcesses(State.Generation, State.Deployment, State.Host);

    private async Task EndProcesses(long generation, Deployment? deployment, string? startedOn)
    {
        guard.Forget();
        try
        {
            await backends.StopAsync(Instance, generation, deployment, startedOn, CancellationToken.None);
        }
        catch (Exception e)
        {
            // the host ends what is superseded before it starts the next generation
            LogEndFailed(Instance, generation, e);
        }
    }

    private void Probe(bool restartNow)
    {
        if (probing && !restartNow)
        {
            return;
        }

        probing = true;
        ProbeOutside(Current, State.Deployment!, restartNow).Ignore();
    }

    private async Task ProbeOutside(long generation, Deployment deployment, bool restartNow)
    {
        string? fault;
        try
        {
            fault = await backends.ProbeAsync(Instance, deployment, CancellationToken.None);
        }
        catch (Exception e)
        {
            fault = $"its health could not be checked: {e.Message}";
        }

        await this.AsReference<IMcpServerLife>().ProbeEnded(generation, fault, restartNow);
    }

    private void Announce()
    {
        var route = Route();
        foreach (var observer in observers.Keys)
        {
            observer.RouteChanged(route).Ignore();
        }
    }
}
