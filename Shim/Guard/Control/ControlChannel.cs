using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Guard.Control;

/// <summary>
/// The guard's one line to the cluster: it dials out and proves who it is; what is said on it is the business of <see cref="IControlled"/>.
/// Any gateway silo will do; when one is gone, the next is tried. A guard whose credential ended while it was cut off ends too: nobody would
/// ever believe it again, and a new one takes its place.
/// </summary>
internal sealed class ControlChannel(ControlTarget target, IControlled controlled, TimeProvider time) : IDisposable
{
    private const int MaxMessageBytes = 32 * 1024 * 1024;
    private const int MaxDenials = 3;
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    private readonly ClusterTrust trust = new(target.AuthorityPem);
    private readonly SemaphoreSlim sending = new(1, 1);

    /// <summary>Returns when it is stopped, or when every silo that is asked denies the credential.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var (failures, denials) = (0, 0);
        for (var next = 0; !stopping.IsCancellationRequested && denials < Math.Max(MaxDenials, target.Urls.Count); next++)
        {
            try
            {
                using var socket = await ConnectAsync(target.Urls[next % target.Urls.Count], stopping);
                (failures, denials) = (0, 0);
                await ServeAsync(socket, stopping);
            }
            catch (DeniedException)
            {
                failures++;
                denials++;
            }
            catch (Exception)
            {
                // whatever it was: without its line a guard would be deaf, and refuse everybody, for good
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
            socket.Options.SetRequestHeader("Authorization", $"Bearer {target.Credential.Value}");
            socket.Options.CollectHttpResponseDetails = true;
            socket.Options.Proxy = null;
            socket.Options.KeepAliveInterval = TimeSpan.FromSeconds(5);
            socket.Options.KeepAliveTimeout = TimeSpan.FromSeconds(10);
            socket.Options.RemoteCertificateValidationCallback = trust.IsOurs;
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            limit.CancelAfter(ConnectTimeout);
            await socket.ConnectAsync(new Uri(url), limit.Token);
            return socket;
        }
        catch (WebSocketException) when (socket.HttpStatusCode is HttpStatusCode.Unauthorized)
        {
            socket.Dispose();
            throw new DeniedException();
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
        // a connection on which nothing can be said any more is over as well
        var talking = TalkAsync(socket, ended);
        try
        {
            await ReceiveAsync(socket, ended.Token);
        }
        finally
        {
            await ended.CancelAsync();
            await talking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TalkAsync(ClientWebSocket socket, CancellationTokenSource ended)
    {
        try
        {
            await controlled.TalkAsync((message, cancellationToken) => SendAsync(socket, message, cancellationToken), ended.Token);
        }
        catch (Exception e) when (e is WebSocketException or IOException)
        {
            await ended.CancelAsync();
        }
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
                var message = JsonSerializer.Deserialize(buffer.AsSpan(0, length), ShimJson.Default.ControlMessage);
                length = 0;
                if (message is not null)
                {
                    await controlled.ObeyAsync(message, (answer, ended) => SendAsync(socket, answer, ended), cancellationToken);
                }
            }
            else if (length == buffer.Length)
            {
                Array.Resize(ref buffer, length < MaxMessageBytes ? length * 2 : throw new IOException($"the cluster sent a message above {MaxMessageBytes} bytes"));
            }
        }
    }

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

    private sealed class DeniedException : Exception;
}
