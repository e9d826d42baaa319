using System.Net;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Obot.Shim.Bridge.Transport;

/// <summary>Kestrel on a Unix socket, or on one address of a container, and nothing else: no configuration files, loggers, routing or console lifetime.</summary>
internal sealed class SocketListener : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(1);

    private readonly WebApplication app;
    private readonly string? socket;

    private SocketListener(WebApplication app, string? socket) => (this.app, this.socket) = (app, socket);

    /// <param name="socket">Path of a Unix socket, which only our own user may connect to.</param>
    /// <param name="listen"><c>host:port</c> instead.</param>
    public static async Task<SocketListener> StartAsync(string? socket, string? listen, RequestDelegate handler)
    {
        if (socket is not null)
        {
            File.Delete(socket);
        }

        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Replace(ServiceDescriptor.Singleton<IHostLifetime, NoLifetime>());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = null; // ours answers with a JSON-RPC error
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            if (socket is not null)
            {
                options.ListenUnixSocket(socket);
            }
            else
            {
                options.Listen(IPEndPoint.Parse(listen ?? throw new InvalidDataException("the boot document names neither a socket nor an address to listen on")));
            }
        });
        var built = builder.Build();
        built.Run(handler);
        await built.StartAsync();
        if (socket is not null && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        return new SocketListener(built, socket);
    }

    public async ValueTask DisposeAsync()
    {
        using var timeout = new CancellationTokenSource(StopTimeout);
        await app.StopAsync(timeout.Token);
        await app.DisposeAsync();
        if (socket is not null)
        {
            File.Delete(socket);
        }
    }

    /// <summary>Signals and standard input are the bridge's own business.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
