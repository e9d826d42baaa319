using System.Net.WebSockets;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Gateway.Credentials;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>One instance on the control channel, for as long as its wire holds: policy goes down, activity comes up and reaches the grain.</summary>
internal sealed partial class GuardSession(
    PolicyPush policies, CredentialPush credentials, RecordIntake intake, IAssertionIssuer assertions, IOptions<SecurityOptions> options, TimeProvider time, IGrainFactory grains, ILogger<GuardSession> logger)
{
    /// <summary>The grain may have moved to another silo and know nothing of the channel: it is told again.</summary>
    private const int ReportsBetweenIntroductions = 3;

    public async Task RunAsync(GuardChannel channel, GuardIdentity identity, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reference = grains.CreateObjectReference<IGuardChannel>(channel);
        try
        {
            var pushing = policies.RunAsync(channel, identity, ended.Token);
            var forgetting = credentials.RunAsync(channel, identity, ended.Token);
            var reading = ReadAsync(channel, reference, identity, ended.Token);
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

    private async Task ReadAsync(GuardChannel channel, IGuardChannel reference, GuardIdentity identity, CancellationToken cancellationToken)
    {
        var grain = grains.GetGrain<IMcpServerGrain>(identity.Instance.ToString());
        var records = intake.Open(channel, identity.Instance);
        var sinceIntroduction = ReportsBetweenIntroductions;
        var renewAt = DateTimeOffset.MinValue;
        await foreach (var message in channel.ReadAllAsync(cancellationToken))
        {
            if (message.Kind is ControlKinds.Records)
            {
                await records.TakeAsync(message, cancellationToken);
                continue;
            }

            if (message is not { Kind: ControlKinds.Activity, Activity: { } activity })
            {
                continue;
            }

            LogApplied(identity.Instance, identity.Generation, activity.PolicyRevision);
            records.Heard(activity);

            try
            {
                var isDue = time.GetUtcNow() >= renewAt;
                if ((++sinceIntroduction > ReportsBetweenIntroductions || isDue) && await grain.GuardConnected(identity.Generation, reference))
                {
                    sinceIntroduction = 0;
                    if (isDue)
                    {
                        // only now: the credential of a generation that is over ends with its time
                        await channel.SendAsync(new() { Kind = ControlKinds.Renew, Credential = assertions.IssueGuardCredential(identity.Instance, identity.Generation) }, cancellationToken);
                        renewAt = time.GetUtcNow() + options.Value.RenewGuardCredentialEvery;
                    }
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
