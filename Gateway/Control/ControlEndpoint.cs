using System.Net.WebSockets;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Obot.Gateway.Authentication;
using Obot.Gateway.Credentials;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>The guards' control endpoint: one WebSocket a guard, on the internal listener, for whoever proves an instance and a generation.</summary>
internal sealed partial class ControlEndpoint(
    IAssertionIssuer assertions,
    PolicyPush policies,
    CredentialPush credentials,
    IGrainFactory grains,
    IHostApplicationLifetime lifetime,
    ILogger<ControlEndpoint> logger)
{
    /// <summary>The grain may have moved to another silo and know nothing of the channel: it is told again.</summary>
    private const int ReportsBetweenIntroductions = 3;

    public async Task HandleAsync(HttpContext context)
    {
        var identity = Bearer.Read(context.Request) is { } credential ? await assertions.VerifyGuardCredential(credential, context.RequestAborted) : null;
        if (identity is null)
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = TimeSpan.FromSeconds(5), KeepAliveTimeout = TimeSpan.FromSeconds(10) });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        await using var channel = new GuardChannel(socket);
        var reference = grains.CreateObjectReference<IGuardChannel>(channel);
        try
        {
            var pushing = policies.RunAsync(channel, identity, ended.Token);
            var forgetting = credentials.RunAsync(channel, identity, ended.Token);
            var reading = RunAsync(channel, reference, identity, ended.Token);
            var first = await Task.WhenAny(pushing, forgetting, reading);
            await ended.CancelAsync();
            await Task.WhenAll(pushing, forgetting, reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await first;
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            LogLost(identity.Instance, identity.Generation, e.Message);
        }
        finally
        {
            grains.DeleteObjectReference<IGuardChannel>(reference);
        }
    }

    private async Task RunAsync(GuardChannel channel, IGuardChannel reference, GuardIdentity identity, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IMcpServerGrain>(identity.Instance.ToString());
        var sinceIntroduction = ReportsBetweenIntroductions;
        await foreach (var message in channel.ReadAllAsync(cancellationToken))
        {
            if (message is not { Kind: ControlKinds.Activity, Activity: { } activity })
            {
                continue;
            }

            LogApplied(identity.Instance, identity.Generation, activity.PolicyRevision);

            try
            {
                if (++sinceIntroduction > ReportsBetweenIntroductions && await grain.GuardConnected(identity.Generation, reference))
                {
                    sinceIntroduction = 0;
                }

                var idle = activity.IdleMilliseconds is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : (TimeSpan?)null;
                await grain.ReportActivity(identity.Generation, activity.InFlight, idle);
            }
            catch (Exception e) when (e is OrleansException or TimeoutException)
            {
                // the grain's silo is on its way out; the next report finds it elsewhere
                LogReportFailed(identity.Instance, e.Message);
                sinceIntroduction = ReportsBetweenIntroductions;
            }
        }
    }

    [LoggerMessage(LogLevel.Debug, "The control channel of {Instance} generation {Generation} ended: {Reason}")]
    private partial void LogLost(McpInstanceId instance, long generation, string reason);

    [LoggerMessage(LogLevel.Trace, "The guard of {Instance} generation {Generation} has applied revision {Revision}")]
    private partial void LogApplied(McpInstanceId instance, long generation, long revision);

    [LoggerMessage(LogLevel.Information, "The activity of {Instance} could not be reported: {Fault}")]
    private partial void LogReportFailed(McpInstanceId instance, string fault);
}
