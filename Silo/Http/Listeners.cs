using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Obot.Grains.Abstractions.Identity;
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
                kestrel.Listen(options.Silo.Address, options.Guard.ListenPort, listener => listener.UseHttps(https =>
                {
                    var certificate = kestrel.ApplicationServices.GetRequiredService<IControlCertificate>();
                    https.ServerCertificateSelector = (_, _) => certificate.Get();
                }));
            }
        });

        // A request goes on where its bytes arrived, which is a worker of the pool already, instead of waking two more.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(12));
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
