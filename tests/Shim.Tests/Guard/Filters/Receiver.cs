using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Obot.Shim.Contracts.Boot;

namespace Obot.Shim.Tests.Guard.Filters;

/// <summary>A webhook receiver on a socket. It answers 401 to what is not signed with its secret, as receivers should.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    public const string Secret = "a shared secret";

    private WebApplication? app;

    public ConcurrentQueue<(string Direction, string Body)> Seen { get; } = [];

    /// <summary>What becomes of a message whose signature is right.</summary>
    public Func<HttpContext, string, Task> Decide { get; set; } = (_, _) => Task.CompletedTask;

    public string Url => $"{app!.Urls.First()}/hook";

    public static async Task<Receiver> StartAsync(Func<HttpContext, string, Task>? decide = null)
    {
        var receiver = new Receiver();
        receiver.Decide = decide ?? receiver.Decide;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        receiver.app = builder.Build();
        receiver.app.Urls.Add("http://127.0.0.1:0");
        receiver.app.Run(receiver.HandleAsync);
        await receiver.app.StartAsync();
        return receiver;
    }

    public GuardFilter Filter(string? secret = Secret, bool mutates = false, bool onRequest = true, bool onResponse = false, int timeout = 10_000, params GuardFilterSelector[] selectors) => new()
    {
        Id = "f1", Name = "receiver", Kind = GuardFilterKinds.Webhook, Url = Url, Secret = secret, AllowedToMutate = mutates,
        OnRequest = onRequest, OnResponse = onResponse, TimeoutMilliseconds = timeout, Selectors = selectors,
    };

    public static Task JsonAsync(HttpContext context, string body, int status = 200)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    }

    public async ValueTask DisposeAsync()
    {
        if (app is not null)
        {
            await app.DisposeAsync();
        }
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var signature = $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), body.ToArray()))}";
        if (context.Request.Headers["X-Obot-Signature-256"] != signature)
        {
            await JsonAsync(context, """{"detail":"Invalid signature"}""", 401);
            return;
        }

        var text = Encoding.UTF8.GetString(body.ToArray());
        Seen.Enqueue((context.Request.Headers["X-Obot-Direction"].ToString(), text));
        await Decide(context, text);
    }
}
