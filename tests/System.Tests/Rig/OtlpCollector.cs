using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Obot.SystemTests.Rig;

/// <summary>Takes what is sent by OTLP over HTTP and remembers where it came to.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentDictionary<string, int> paths = new(StringComparer.Ordinal);

    private OtlpCollector(WebApplication app) => this.app = app;

    public Uri Url => new(app.Urls.First());

    public ICollection<string> Paths => paths.Keys;

    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var collector = new OtlpCollector(builder.Build());
        collector.app.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            collector.paths.AddOrUpdate(context.Request.Path, 1, (_, count) => count + 1);
            context.Response.ContentType = "application/x-protobuf";
        });
        await collector.app.StartAsync();
        return collector;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();
}
