using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Obot.Shim.Contracts;
using Obot.Shim.Contracts.Control;

namespace Obot.Gateway.Control;

/// <summary>Control messages on a WebSocket: one text frame each.</summary>
internal sealed class ControlSocket(WebSocket socket) : IControlWire, IDisposable
{
    private const int MaxMessageBytes = 16 * 1024 * 1024;
    private const int KeptBytes = 64 * 1024;

    private readonly SemaphoreSlim sending = new(1, 1);

    public async Task SendAsync(ControlMessage message, CancellationToken cancellationToken)
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

    public async IAsyncEnumerable<ControlMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new byte[8192];
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            if (received.MessageType is WebSocketMessageType.Close)
            {
                yield break;
            }

            length += received.Count;
            if (!received.EndOfMessage)
            {
                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, buffer.Length < MaxMessageBytes ? buffer.Length * 2 : throw new WebSocketException($"A guard sent a message above {MaxMessageBytes} bytes."));
                }

                continue;
            }

            var message = JsonSerializer.Deserialize(buffer.AsSpan(0, length), ShimJson.Default.ControlMessage);
            length = 0;
            if (buffer.Length > KeptBytes)
            {
                // a large batch of records came through; most guards send little, and there may be thousands of them
                buffer = new byte[KeptBytes];
            }

            if (message is not null)
            {
                yield return message;
            }
        }
    }

    public void Dispose() => sending.Dispose();
}
