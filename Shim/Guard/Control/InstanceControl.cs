using Obot.Shim.Contracts.Control;
using Obot.Shim.Guard.Audit;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;
using Obot.Shim.Guard.Exchange;

namespace Obot.Shim.Guard.Control;

/// <summary>One instance's part of a control channel: it reports activity and takes policy and orders.</summary>
internal sealed class InstanceControl(
    GuardCredential credential, PolicySnapshot policy, Freshness freshness, AssertionVerifier assertions, CallGate gate, ExchangedCredentials? credentials, RecordShipper? shipper, AuditTrail? trail, TimeSpan heartbeatEvery, TimeProvider time) : IControlled
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);

    public async Task TalkAsync(ControlSend send, CancellationToken ended)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ended);
        Task[] all = [ReportOnAsync(send, over.Token), .. shipper is null ? Array.Empty<Task>() : [shipper.RunAsync(send, over.Token)]];
        var first = await Task.WhenAny(all);
        await over.CancelAsync();
        await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    /// <summary>At once, every second while calls come, and now and then without.</summary>
    private async Task ReportOnAsync(ControlSend send, CancellationToken ended)
    {
        var reported = -1L;
        var busy = false;
        var last = 0L;
        using var timer = new PeriodicTimer(ReportEvery, time);
        do
        {
            var calls = gate.Calls;
            if (calls != reported || busy != gate.InFlight > 0 || time.GetElapsedTime(last) >= heartbeatEvery)
            {
                (reported, busy, last) = (calls, gate.InFlight > 0, time.GetTimestamp());
                await ReportAsync(send, ended);
            }
        }
        while (await timer.WaitForNextTickAsync(ended));
    }

    public async Task ObeyAsync(ControlMessage message, ControlSend send, CancellationToken ended)
    {
        switch (message.Kind)
        {
            case ControlKinds.Snapshot:
                if (message.AssertionKeys is { } keys)
                {
                    assertions.Replace(keys);
                }

                if (message.Policy is { } next)
                {
                    policy.Replace(next);
                    freshness.Heard(AgeOf(message));
                    await ReportAsync(send, ended);
                }

                break;
            case ControlKinds.Heartbeat:
                policy.Confirm(message.Revision ?? 0);
                freshness.Heard(AgeOf(message));
                break;
            case ControlKinds.RecordsTaken:
                shipper?.Answered(message.Id, message.Accepted is true);
                break;
            case ControlKinds.Renew:
                credential.Replace(message.Credential ?? credential.Value);
                break;
            case ControlKinds.Forget:
                credentials?.Forget(message.Users);
                break;
            case ControlKinds.Drain:
                var closed = gate.TryClose(TimeSpan.FromMilliseconds(message.MinIdleMilliseconds ?? 0));
                await send(new() { Kind = ControlKinds.Drained, Id = message.Id, Accepted = closed }, ended);
                break;
        }
    }

    private Task ReportAsync(ControlSend send, CancellationToken ended) =>
        send(new() { Kind = ControlKinds.Activity, Activity = gate.Report(policy.Revision) with { AuditWaiting = trail?.Journal.Waiting ?? 0, AuditDropped = trail?.Dropped ?? 0 } }, ended);

    private static TimeSpan AgeOf(ControlMessage message) => TimeSpan.FromMilliseconds(message.StalenessMilliseconds ?? 0);
}
