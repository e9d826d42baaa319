using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;
using Obot.Shim.Contracts.Control;
using Obot.Shim.Guard.Control;
using Obot.Shim.Guard.Pool;

namespace Obot.Shim.Tests.Guard;

/// <summary>The guard's line to the cluster, before a silo that speaks to it.</summary>
public sealed class ControlChannelTests
{
    /// <summary>A deaf guard hears of no rule and no revocation any more, and refuses everybody when its policy is too old.</summary>
    [Fact]
    public async Task Message_ThatBreaksWhoeverTakesIt_DoesNotMakeTheGuardDeaf()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var silo = builder.Build();
        silo.Urls.Add("http://127.0.0.1:0");
        silo.UseWebSockets();
        silo.Run(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync("""{"kind":"snapshot"}"""u8.ToArray(), WebSocketMessageType.Text, true, context.RequestAborted);
            await socket.ReceiveAsync(new byte[1], context.RequestAborted);
        });
        await silo.StartAsync(TestContext.Current.CancellationToken);

        var breaking = new Breaking();
        using var channel = new ControlChannel(new([silo.Urls.First().Replace("http", "ws", StringComparison.Ordinal)], Pem(), new("none")), breaking, TimeProvider.System);
        using var stopping = new CancellationTokenSource();
        var running = channel.RunAsync(stopping.Token);
        await breaking.Again.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.False(running.IsCompleted);
        await stopping.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
    }

    /// <summary>Its credential ended while it was cut off: it makes way for a guard that is believed.</summary>
    [Fact]
    public async Task Guard_WhoseCredentialIsDenied_Ends_AndShowsTheNewestOne()
    {
        var shown = new List<string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var silo = builder.Build();
        silo.Urls.Add("http://127.0.0.1:0");
        silo.UseWebSockets();
        silo.Run(async context =>
        {
            shown.Add(context.Request.Headers.Authorization.ToString());
            if (shown.Count > 1)
            {
                context.Response.StatusCode = 401;
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync("""{"kind":"renew","credential":"second"}"""u8.ToArray(), WebSocketMessageType.Text, true, context.RequestAborted);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        });
        await silo.StartAsync(TestContext.Current.CancellationToken);

        var credential = new GuardCredential("first");
        using var channel = new ControlChannel(new([silo.Urls.First().Replace("http", "ws", StringComparison.Ordinal)], Pem(), credential), new Renewing(credential), TimeProvider.System);
        await channel.RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(["Bearer first", "Bearer second", "Bearer second", "Bearer second"], shown);
    }

    private static string Pem()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var authority = new CertificateRequest("CN=ca", key, HashAlgorithmName.SHA256).CreateSelfSigned(now, now.AddDays(1));
        return authority.ExportCertificatePem();
    }

    private sealed class Renewing(GuardCredential credential) : IControlled
    {
        public Task TalkAsync(ControlSend send, CancellationToken ended) => Task.Delay(Timeout.Infinite, ended);

        public Task ObeyAsync(ControlMessage message, ControlSend send, CancellationToken ended) => new PoolControl(credential).ObeyAsync(message, send, ended);
    }

    private sealed class Breaking : IControlled
    {
        private int taken;

        public TaskCompletionSource Again { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task TalkAsync(ControlSend send, CancellationToken ended) => Task.Delay(Timeout.Infinite, ended);

        public Task ObeyAsync(ControlMessage message, ControlSend send, CancellationToken ended)
        {
            if (Interlocked.Increment(ref taken) > 1)
            {
                Again.TrySetResult();
            }

            throw new FormatException("this is nothing that a guard understands");
        }
    }
}
