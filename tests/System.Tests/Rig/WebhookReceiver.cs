using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Obot.SystemTests.Rig;

/// <summary>A webhook on loopback that checks signatures and decides as a test says.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    public const string Secret = "between the platform and the receiver";

    private readonly WebApplication app;

    private WebhookReceiver()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        app = builder.Build();
        app.Run(HandleAsync);
    }

    public ConcurrentQueue<(string Direction, string Body)> Seen { get; } = [];

    public Func<HttpContext, string, Task> Decide { get; set; } = (_, _) => Task.CompletedTask;

    public string Url => $"{app.Urls.First()}/hook";

    public static async Task<WebhookReceiver> StartAsync()
    {
        var receiver = new WebhookReceiver();
        await receiver.app.StartAsync();
        return receiver;
    }

    public static Task RejectAsync(HttpContext context, string reason)
    {
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"reason":"{{reason}}"}""");
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        if (context.Request.Headers["X-Obot-Signature-256"] != $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), body.ToArray()))}")
        {
            context.Response.StatusCode = StatusCodes.Status401Unauthorized;
            await context.Response.WriteAsync("wrong signature");
            return;
        }

        var text = Encoding.UTF8.GetString(body.ToArray());
        Seen.Enqueue((context.Request.Headers["X-Obot-Direction"].ToString(), text));
        await Decide(context, text);
    }
}
