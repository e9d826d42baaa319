using System.Net;
using System.Net.Sockets;

namespace Obot.Shim.Guard.Filters;

/// <summary>
/// Connections to webhooks. Private addresses are where most of them are, and only administrators name them; what is never asked is a
/// link-local address, where clouds hand out credentials of the machine. Nobody is redirected anywhere.
/// </summary>
internal static class WebhookHttp
{
    public static HttpMessageInvoker Client { get; } = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        MaxResponseHeadersLength = 32,
        MaxConnectionsPerServer = 256,
        ConnectCallback = ConnectAsync,
    });

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        if (addresses.Length == 0 || Array.Exists(addresses, IsLinkLocal))
        {
            throw new HttpRequestException($"'{context.DnsEndPoint.Host}' is a link-local address, which no webhook may have");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool IsLinkLocal(IPAddress address) =>
        address.IsIPv6LinkLocal || ((address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address) is { AddressFamily: AddressFamily.InterNetwork } v4 && v4.GetAddressBytes() is [169, 254, ..]);
}
