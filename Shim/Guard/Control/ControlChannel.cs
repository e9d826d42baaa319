using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Boot;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Guard.Authorization;
using Obot.Shim.Guard.Calls;

namespace Obot.Shim.Guard.Control;

/// <summary>
/// The guard's one line to the cluster: it dials out, proves its instance and generation, reports activity and takes policy and orders.
/// Any gateway silo will do; when one is gone, the next is tried.
/// </summary>
internal sealed class ControlChannel(GuardBoot boot, PolicySnapshot policy, Freshness freshness, AssertionVerifier assertions, CallGate gate, TimeProvider time) : IDisposable
{
    private const int MaxMessageBytes = 32 * 1024 * 1024;
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HeartbeatEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    private readonly X509Certificate2 authority = X509Certificate2.CreateFromPem(boot.ClusterCaPem);
    private readonly SemaphoreSlim sending = new(1, 1);

    public async Task RunAsync(CancellationToken stopping)
    {
        var failures = 0;
        for (var next = 0; !stopping.IsCancellationRequested; next++)
        {
            try
            {
                using var socket = await ConnectAsync(boot.ControlUrls[next % boot.ControlUrls.Count], stopping);
                failures = 0;
                await ServeAsync(socket, stopping);
            }
            catch (Exception e) when (e is WebSocketException or IOException or OperationCanceledException or JsonException)
            {
                failures++;
            }

            var pause = TimeSpan.FromMilliseconds(Math.Min(100 * Math.Pow(2, failures), MaxPause.TotalMilliseconds) * (0.5 + Random.Shared.NextDouble()));
            await Task.Delay(pause, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => sending.Dispose();

    private async Task<ClientWebSocket> ConnectAsync(string url, CancellationToken stopping)
    {
        var socket = new ClientWebSocket();
        try
        {
            socket.Options.SetRequestHeader("Authorization", $"Bearer {boot.Credential}");
            socket.Options.Proxy = null;
            socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(5);
            socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(10);
            socket.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) => ClusterTrust.IsOurs(certificate, authority);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            limit.CancelAfter(ConnectTimeout);
            await socket.ConnectAsync(new Uri(url), limit.Token);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task ServeAsync(ClientWebSocket socket, CancellationToken stopping)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var reporting = ReportAsync(socket, ended.Token);
        try
        {
            await ReceiveAsync(socket, stopping);
        }
        finally
        {
            await ended.CancelAsync();
            await reporting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>At once, every second while calls come, and every five without.</summary>
    private async Task ReportAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        var reported = -1L;
        var busy = false;
        var last = 0L;
        using var timer = new PeriodicTimer(ReportEvery, time);
        do
        {
            var calls = gate.Calls;
            if (calls != reported || busy != gate.InFlight > 0 || time.GetElapsedTime(last) >= HeartbeatEvery)
            {
                (reported, busy, last) = (calls, gate.InFlight > 0, time.GetTimestamp());
                await SendAsync(socket, new() { Kind = ControlKinds.Activity, Activity = gate.Report(policy.Revision) }, cancellationToken);
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[4096];
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            if (received.MessageType is WebSocketMessageType.Close)
            {
                return;
            }

            length += received.Count;
            if (received.EndOfMessage)
            {
                await ObeyAsync(socket, JsonSerializer.Deserialize(buffer.AsSpan(0, length), ShimJson.Default.ControlMessage), cancellationToken);
                length = 0;
            }
            else if (length == buffer.Length)
            {
                Array.Resize(ref buffer, length < MaxMessageBytes ? length * 2 : throw new IOException($"the cluster sent a message above {MaxMessageBytes} bytes"));
            }
        }
    }

    private async Task ObeyAsync(ClientWebSocket socket, ControlMessage? message, CancellationToken cancellationToken)
    {
        switch (message?.Kind)
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
                    await SendAsync(socket, new() { Kind = ControlKinds.Activity, Activity = gate.Report(policy.Revision) }, cancellationToken);
                }

                break;
            case ControlKinds.Heartbeat:
                policy.Confirm(message.Revision ?? 0);
                freshness.Heard(AgeOf(message));
                break;
            case ControlKinds.Drain:
                var closed = gate.TryClose(TimeSpan.FromMilliseconds(message.MinIdleMilliseconds ?? 0));
                await SendAsync(socket, new() { Kind = ControlKinds.Drained, Id = message.Id, Accepted = closed }, cancellationToken);
                break;
        }
    }

    private static TimeSpan AgeOf(ControlMessage message) => TimeSpan.FromMilliseconds(message.StalenessMilliseconds ?? 0);

    private async Task SendAsync(ClientWebSocket socket, ControlMessage message, CancellationToken cancellationToken)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(message, ShimJson.Default.ControlMessage);
        await sending.WaitAsync(cancellationToken);
        try
        {
            await socket.SendAsync(bytes, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
        finally
        {
            sending.Release();
        }
    }
}
