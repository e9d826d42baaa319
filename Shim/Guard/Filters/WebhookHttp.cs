using System.Net;
using Obot.Shim.Guard.Forwarding;

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
        ConnectCallback = (context, cancellationToken) => Addressed.ConnectAsync(context.DnsEndPoint, cancellationToken),
    });
}
