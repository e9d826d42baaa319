using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Obot.Shim.Guard.Forwarding.Sse;

namespace Obot.Shim.Tests.Guard;

/// <summary>A server of HTTP+SSE behind a guard, over real sockets.</summary>
public sealed class SseTransportTests : IAsyncLifetime
{
    private readonly ConcurrentDictionary<string, HttpResponse> streams = new();
    private readonly ConcurrentQueue<string> authorizations = new();
    private string endpoint = "/messages?session=";
    private WebApplication app = null!;
    private HttpClient http = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.MapGet("/sse", OpenAsync);
        app.MapPost("/messages", TakeAsync);
        await app.StartAsync();
        http = new HttpClient(new SseTransport(Url, new SocketsHttpHandler { UseProxy = false }, TimeProvider.System));
        http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer of the caller");
    }

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await app.DisposeAsync();
    }

    private Uri Url => new(app.Urls.Single() + "/sse");

    [Fact]
    public async Task Session_OverTheStream_AnswersEachPost()
    {
        var session = await OpenSessionAsync();
        using var echo = await PostAsync(session, """{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"echo"}}""");
        Assert.Equal("application/json", echo.Content.Headers.ContentType!.MediaType);
        Assert.Equal("echo", JsonNode.Parse(await echo.Content.ReadAsStringAsync())!["result"]!["did"]!.GetValue<string>());
        using var note = await PostAsync(session, """{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        Assert.Equal(HttpStatusCode.Accepted, note.StatusCode);
        Assert.All(authorizations, value => Assert.Equal("Bearer of the caller", value));
    }

    [Fact]
    public async Task Progress_BeforeTheAnswer_ComesOnTheSamePost()
    {
        var session = await OpenSessionAsync();
        using var answer = await PostAsync(session, """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"progress"}}""");
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(text.IndexOf("notifications/progress", StringComparison.Ordinal) < text.IndexOf("\"id\":7", StringComparison.Ordinal), text);
    }

    [Fact]
    public async Task Sessions_OfTwoClients_DoNotMix()
    {
        var one = await OpenSessionAsync();
        var other = await OpenSessionAsync();
        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(async number =>
        {
            using var answer = await PostAsync(number % 2 == 0 ? one : other, $$$"""{"jsonrpc":"2.0","id":{{{number / 2}}},"method":"tools/call","params":{"name":"n{{{number}}}"}}""");
            return (number, Text: JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["result"]!["did"]!.GetValue<string>());
        }));
        Assert.All(answers, answer => Assert.Equal($"n{answer.number}", answer.Text));
    }

    [Fact]
    public async Task Session_ThatIsUnknownOrEnded_IsNotFound()
    {
        using var unknown = await PostAsync("nobody", """{"jsonrpc":"2.0","id":1,"method":"ping"}""");
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        var session = await OpenSessionAsync();
        using var end = new HttpRequestMessage(HttpMethod.Delete, Url) { Headers = { { "Mcp-Session-Id", session } } };
        (await http.SendAsync(end)).Dispose();
        using var after = await PostAsync(session, """{"jsonrpc":"2.0","id":1,"method":"ping"}""");
        Assert.Equal(HttpStatusCode.NotFound, after.StatusCode);
    }

    [Fact]
    public async Task Call_WithoutASession_IsToldToInitialize()
    {
        using var answer = await PostAsync(null, """{"jsonrpc":"2.0","id":1,"method":"tools/list"}""");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("initialize", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endpoint_OfAnotherOrigin_GetsNoCredentials()
    {
        endpoint = "http://127.0.0.1:1/messages?session=";
        var error = await Assert.ThrowsAsync<HttpRequestException>(OpenSessionAsync);
        Assert.Contains("another origin", error.Message, StringComparison.Ordinal);
    }

    private async Task<string> OpenSessionAsync()
    {
        using var answer = await PostAsync(null, """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}""");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return answer.Headers.GetValues("Mcp-Session-Id").Single();
    }

    private async Task<HttpResponseMessage> PostAsync(string? session, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        if (session is not null)
        {
            request.Headers.Add("Mcp-Session-Id", session);
        }

        return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private async Task OpenAsync(HttpContext context)
    {
        authorizations.Enqueue(context.Request.Headers.Authorization.ToString());
        var id = Guid.NewGuid().ToString("N");
        context.Response.ContentType = "text/event-stream";
        streams[id] = context.Response;
        await SayAsync(context.Response, "endpoint", endpoint + id);
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task TakeAsync(HttpContext context)
    {
        authorizations.Enqueue(context.Request.Headers.Authorization.ToString());
        var stream = streams[context.Request.Query["session"].ToString()];
        var message = (await JsonNode.ParseAsync(context.Request.Body))!;
        if (message["id"] is { } id)
        {
            var name = message["params"]?["name"]?.GetValue<string>() ?? "";
            if (name == "progress")
            {
                await SayAsync(stream, "message", """{"jsonrpc":"2.0","method":"notifications/progress","params":{}}""");
            }

            await SayAsync(stream, "message", new JsonObject { ["jsonrpc"] = "2.0", ["id"] = id.DeepClone(), ["result"] = new JsonObject { ["did"] = name } }.ToJsonString());
        }

        context.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static async Task SayAsync(HttpResponse stream, string type, string data)
    {
        var bytes = Encoding.UTF8.GetBytes($"event: {type}\ndata: {data}\n\n");
        await Gate.WaitAsync();
        try
        {
            await stream.Body.WriteAsync(bytes);
            await stream.Body.FlushAsync();
        }
        finally
        {
            Gate.Release();
        }
    }

    private static readonly SemaphoreSlim Gate = new(1);
}
