using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Silo.Configuration;

namespace Obot.Silo.Http;

/// <summary>The public listener, and on gateway silos the internal TLS listener that guards dial.</summary>
internal static class Listeners
{
    public static void UseObotListeners(this WebApplicationBuilder builder, ObotOptions options)
    {
        builder.WebHost.UseKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(kestrel, new Uri(options.Url));
            if (options.HasRole(SiloRoles.Gateway))
            {
                foreach (var address in new[] { options.Silo.Address, options.Guard.BridgeAddress }.OfType<IPAddress>())
                {
                    kestrel.Listen(address, options.Guard.ListenPort, listener => listener.UseHttps(https =>
                    {
                        var certificate = kestrel.ApplicationServices.GetRequiredService<IControlCertificate>();
                        https.ServerCertificateSelector = (_, _) => certificate.Get();
                    }));
                }
            }
        });
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = endpoint =>
            endpoint is IPEndPoint ip && ip.Address.Equals(options.Guard.BridgeAddress) ? BindAhead(ip) : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint));

        // A request goes on where its bytes arrived, which is a worker of the pool already, instead of waking two more.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<LlmOptions>>((host, llm) => host.ShutdownTimeout = TimeSpan.FromSeconds(12) + llm.Value.DrainTimeout);
    }

    /// <summary>Docker may start after us, and its bridge with it: IP_FREEBIND (ip(7)) takes an address that this machine does not have yet.</summary>
    private static Socket BindAhead(IPEndPoint endpoint)
    {
        const int ProtocolIp = 0;
        const int FreeBind = 15;
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.SetRawSocketOption(ProtocolIp, FreeBind, BitConverter.GetBytes(1));
        socket.Bind(endpoint);
        return socket;
    }

    private static void Listen(Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions kestrel, Uri url)
    {
        if (IPAddress.TryParse(url.DnsSafeHost, out var address))
        {
            kestrel.Listen(address, url.Port);
        }
        else if (url.IsLoopback)
        {
            kestrel.ListenLocalhost(url.Port);
        }
        else
        {
            kestrel.ListenAnyIP(url.Port);
        }
    }
}
