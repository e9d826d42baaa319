using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Obot.Shim.Guard;

/// <summary>The web host of a guard, alone or pooled.</summary>
internal static class GuardListener
{
    private static readonly TimeSpan ShutdownTimeout = TimeSpan.FromSeconds(2);

    /// <param name="listen"><c>host:port</c>.</param>
    public static WebApplication Build(string listen, long maxRequestBodyBytes)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = maxRequestBodyBytes;
            // a message is read where it lies before it is forwarded: all of it has to fit
            kestrel.Limits.MaxRequestBufferSize = maxRequestBodyBytes + (64 * 1024);
            // an assertion with many groups beside everything that a client may send
            kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
            kestrel.Listen(IPEndPoint.Parse(listen));
        });
        // nothing here ever blocks a thread: a completion goes on where it arrived instead of waking a worker
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.AddRouting();
        builder.Services.AddHttpForwarder();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = ShutdownTimeout);
        return builder.Build();
    }
}
