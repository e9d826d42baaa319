using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>The next generation beside the one that serves: up first, then the change of the route, then the end of the old one.</summary>
internal sealed partial class McpServerGrain
{
    private static readonly TimeSpan DrainAgain = TimeSpan.FromMilliseconds(500);

    public async Task Replace(string reason)
    {
        if (State.Status is DeploymentStatus.Stopped)
        {
            return;
        }

        if (State.Status is not DeploymentStatus.Running || !backends.MayLive(State.Deployment!) || !backends.RunsTwo(State.Deployment!))
        {
            await Stop(reason);
            return;
        }

        await Become(State with
        {
            Generation = State.Generation + 1,
            Serving = Current,
            Host = silo.SiloAddress.ToParsableString(),
            StartDeadline = time.GetUtcNow() + TimeSpan.FromSeconds(600) + StartMargin,
        });
        Start(State.Generation, beside: true).Ignore();
    }

    private async Task ReplacementEnded(Deployment? deployment, string? reason, StartedFrom from)
    {
        if (deployment is null)
        {
            // the number is used up, the server goes on as it was
            await Become(State with { Reason = $"revision {from.Revision} did not start ({reason}); revision {State.ManifestRevision} goes on" });
            return;
        }

        var (old, oldGeneration, oldDeployment) = (guard, Current, State.Deployment!);
        guard = new(time);
        guard.Started();
        failedProbes = 0;
        await Become(State with
        {
            Serving = null,
            Deployment = deployment,
            Backend = deployment.Backend,
            Reason = null,
            Failures = 0,
            RetryAt = null,
            StartedAt = time.GetUtcNow(),
            ManifestRevision = from.Revision,
            Runtime = from.Runtime,
            RunningManifest = from.Manifest,
        });
        EndReplaced(old, oldGeneration, oldDeployment).Ignore();
    }

    /// <summary>The route has changed: what comes to the old one still is told to go to the new one, what is in hand ends there.</summary>
    private async Task EndReplaced(GuardLink old, long generation, Deployment deployment)
    {
        var begun = time.GetTimestamp();
        while (!await old.Drain(TimeSpan.Zero) && time.GetElapsedTime(begun) < options.Value.DrainTimeout)
        {
            await Task.Delay(DrainAgain, time);
        }

        try
        {
            await backends.StopAsync(Instance, generation, deployment, startedOn: null, CancellationToken.None);
        }
        catch (Exception e)
        {
            LogEndFailed(Instance, generation, e);
        }
    }
}
