using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Audit;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Guard.Composite;
using Obot.Shim.Guard.Control;
using Obot.Shim.Guard.EraBridge;
using Obot.Shim.Guard.Exchange;
using Obot.Shim.Guard.Exchange.Links;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Guard.Limits;
using Obot.Shim.Guard.Sessions;

namespace Obot.Shim.Guard;

/// <summary>
/// Everything that one generation of one instance has in a guard: its policy, limits, calls in hand, upstream. A guard beside a hosted
/// server has one of these, a pooled guard has many, and they share nothing.
/// </summary>
internal sealed class GuardInstance : IDisposable
{
    private readonly GuardPipeline pipeline;
    private readonly Upstream upstream;
    private readonly UpstreamForwarder forwarder;
    private readonly AuditTrail? trail;
    private readonly ExchangeClient? exchange;
    private readonly ClusterHttp cluster;

    /// <param name="services">Of the web host: the forwarder comes from there.</param>
    /// <param name="heartbeatEvery">How often activity is reported although nothing happened.</param>
    public GuardInstance(GuardBoot boot, IServiceProvider services, TimeSpan heartbeatEvery, TimeProvider time)
    {
        Boot = boot;
        Credential = new(boot.Credential);
        Gate = new(time);
        upstream = new(boot.Upstream, time, boot.Upstream.Composite is null ? null : new CompositeHandler(boot, Credential, time));
        var eras = boot.EraBridge is { } translates ? new EraTranslator(boot.Instance, translates, upstream, boot.Limits, time) : null;
        var sessions = new LegacySessions(upstream, new SessionSeal(boot.SessionKey), boot.RecoversSessions);
        forwarder = new(upstream, sessions, services, boot.Limits, eras);
        cluster = new(boot.ControlUrls, boot.ClusterCaPem, Credential);
        var policy = new PolicySnapshot(boot.Policy, new FilterFactory(cluster));
        var assertions = new AssertionVerifier(boot.Instance, boot.AssertionKeys, time);
        var freshness = new Freshness(TimeSpan.FromMilliseconds(boot.MaxStalenessMilliseconds), Staleness(boot, time), time);
        var authorizer = new Authorizer(boot.Instance, policy, freshness);
        trail = boot.Audit is { } audit ? new(audit, time) : null;
        exchange = boot.Upstream.Exchanges ? new(boot, Credential) : null;
        var credentials = exchange is null ? null : new ExchangedCredentials(exchange, time);
        var links = credentials is null ? null : new LinkDialogue(new(credentials, time), new(credentials, new(boot.Instance, time), time), sessions, forwarder, authorizer);
        pipeline = new(
            assertions, authorizer, new CallLimits(boot.Limits, time), new CallFilters(boot.Instance, policy), new OpenStreams(policy), Gate, forwarder, new UpstreamCredentials(credentials, forwarder, links), time, trail);
        Control = new InstanceControl(Credential, policy, freshness, assertions, Gate, credentials, trail is null ? null : new(trail, boot.Audit!.Folder, time), trail, heartbeatEvery, time);
    }

    public GuardBoot Boot { get; }

    public GuardCredential Credential { get; }

    public CallGate Gate { get; }

    /// <summary>What is said and heard of this instance on the control channel.</summary>
    public IControlled Control { get; }

    /// <summary><c>/readyz</c> for the host, everything else is a call.</summary>
    public Task HandleAsync(HttpContext context) => context.Request.Path == "/readyz" ? ReadyAsync(context) : pipeline.HandleAsync(context);

    /// <summary>Waits until the cluster has all records, or the time is over: then they stay on disk for whoever comes next.</summary>
    public Task DrainAsync(TimeSpan limit) => trail?.DrainAsync(limit) ?? Task.CompletedTask;

    public void Dispose()
    {
        forwarder.Dispose();
        trail?.Dispose();
        exchange?.Dispose();
        cluster.Dispose();
    }

    private static TimeSpan Staleness(GuardBoot boot, TimeProvider time)
    {
        var age = boot.WrittenAt is { } written ? time.GetUtcNow() - written : TimeSpan.Zero;
        // clocks of machines differ: a document of the future is a new one
        return TimeSpan.FromMilliseconds(boot.StalenessMilliseconds) + (age > TimeSpan.Zero ? age : TimeSpan.Zero);
    }

    private async Task ReadyAsync(HttpContext context)
    {
        var fault = await upstream.ProbeAsync(context.RequestAborted);
        context.Response.StatusCode = fault is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await context.Response.WriteAsync(fault ?? "ready");
    }
}
