using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Obot.Shim.Boot;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Guard.Control;
using Obot.Shim.Guard.Filters;
using Obot.Shim.Guard.Forwarding;
using Obot.Shim.Guard.Limits;

namespace Obot.Shim.Guard;

/// <summary>The life of a guard: read the boot line, listen, dial the cluster, and end when standard input does.</summary>
internal static class GuardHost
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(2);

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
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = boot.Limits.MaxRequestBodyBytes;
            // a message is read where it lies before it is forwarded: all of it has to fit
            kestrel.Limits.MaxRequestBufferSize = boot.Limits.MaxRequestBodyBytes + (64 * 1024);
            // an assertion with many groups beside everything that a client may send
            kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
            kestrel.Listen(IPEndPoint.Parse(boot.Listen));
        });
        // nothing here ever blocks a thread: a completion goes on where it arrived instead of waking a worker
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.AddRouting();
        builder.Services.AddHttpForwarder();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);

        await using var app = builder.Build();
        using var cluster = new ClusterHttp(boot.ControlUrls, boot.ClusterCaPem, boot.Credential);
        var policy = new PolicySnapshot(boot.Policy, new FilterFactory(cluster));
        var assertions = new AssertionVerifier(boot.Instance, boot.AssertionKeys, time);
        var load = new CallGate(time);
        using var upstream = new Upstream(boot.Upstream);
        using var forwarder = new UpstreamForwarder(upstream, new SessionSeal(boot.SessionKey), app.Services, boot.Limits);
        var freshness = new Freshness(TimeSpan.FromMilliseconds(boot.MaxStalenessMilliseconds), TimeSpan.FromMilliseconds(boot.StalenessMilliseconds), time);
        var authorizer = new Authorizer(boot.Instance, policy, freshness);
        var pipeline = new GuardPipeline(assertions, authorizer, new CallLimits(boot.Limits, time), new CallFilters(boot.Instance, policy), new OpenStreams(policy), load, forwarder, time);
        app.Run(context => context.Request.Path == "/readyz" ? ReadyAsync(context, upstream) : pipeline.HandleAsync(context));

        await app.StartAsync(stopping);
        await events.WriteAsync(new ShimEvent { Event = ShimEvent.Ready, Address = app.Urls.First() });
        using var control = new ControlChannel(boot, policy, freshness, assertions, load, time);
        await control.RunAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(CancellationToken.None);
    }

    private static async Task ReadyAsync(HttpContext context, Upstream upstream)
    {
        var fault = await upstream.ProbeAsync(context.RequestAborted);
        context.Response.StatusCode = fault is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        await context.Response.WriteAsync(fault ?? "ready");
    }
}
