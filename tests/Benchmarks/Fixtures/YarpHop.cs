using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace Obot.Benchmarks.Fixtures;

/// <summary>YARP's forwarder behind Kestrel, without logging, routing or middleware: the least that a hop in .NET costs.</summary>
internal static class YarpHop
{
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var target = arguments.Text("--to");
        var builder = KestrelPart.Create((int)arguments.Number("--port", 0));
        builder.Services.AddRouting();
        builder.Services.AddHttpForwarder();
        await using var app = builder.Build();
        using var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false, UseCookies = false, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None, ActivityHeadersPropagator = null,
        });
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        var config = new ForwarderRequestConfig { Version = HttpVersion.Version11 };
        app.Run(async context => await forwarder.SendAsync(context, target, client, config, HttpTransformer.Default, context.RequestAborted));
        return await KestrelPart.ServeAsync(app);
    }
}
