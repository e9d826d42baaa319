using System.Net;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace Obot.Shim.Tests.Guard;

/// <summary>A server of revision 2024-11-05 (HTTP+SSE) behind the guard looks like one of streamable HTTP.</summary>
public sealed class HttpSseTests
{
    private const string Hello = """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}""";

    [Fact]
    public async Task OldServer_IsFoundOutAndServed()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] });
        using var server = new OldServer("/messages?session=1");
        guard.Answer = server.AnswerAsync;
        using var hello = await guard.SendAsync(HttpMethod.Post, "ann", [], Hello);
        Assert.Equal(HttpStatusCode.OK, hello.StatusCode);
        Assert.Equal(1, JsonNode.Parse(await hello.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))!["id"]!.GetValue<int>());
        var session = hello.Headers.GetValues("Mcp-Session-Id").Single();

        using var initialized = await guard.SendAsync(HttpMethod.Post, "ann", [], """{"jsonrpc":"2.0","method":"notifications/initialized"}""", ("Mcp-Session-Id", session));
        Assert.Equal(HttpStatusCode.Accepted, initialized.StatusCode);

        var many = await Task.WhenAll(Enumerable.Range(10, 20).Select(async id =>
        {
            using var response = await guard.SendAsync(HttpMethod.Post, "ann", [], $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"tools/call","params":{"name":"echo"}}""", ("Mcp-Session-Id", session));
            return (id, Body: await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }));
        Assert.All(many, one => Assert.Equal($$$"""{"jsonrpc":"2.0","id":{{{one.id}}},"result":{"said":"tools/call"}}""", one.Body));

        // what it says in between goes to the call that waits
        using var progress = await guard.SendAsync(HttpMethod.Post, "ann", [], """{"jsonrpc":"2.0","id":"p","method":"tools/call","params":{"name":"slow"}}""", ("Mcp-Session-Id", session));
        var events = await progress.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", progress.Content.Headers.ContentType?.MediaType);
        Assert.Contains("notifications/progress", events, StringComparison.Ordinal);
        Assert.Contains("\"id\":\"p\"", events, StringComparison.Ordinal);
        Assert.Equal(1, server.Streams);

        // a stream that broke off is a session that is gone: it is begun again under the same id
        server.Hangup();
        HttpStatusCode status;
        var tries = 0;
        do
        {
            // who asks in the very moment is told that the stream ended: nobody knows what became of the call
            using var again = await guard.SendAsync(HttpMethod.Post, "ann", [], """{"jsonrpc":"2.0","id":99,"method":"tools/call","params":{"name":"echo"}}""", ("Mcp-Session-Id", session));
            status = again.StatusCode;
        }
        while (status is HttpStatusCode.BadGateway && tries++ < 100);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(2, server.Streams);
    }

    [Fact]
    public async Task OldServer_AskedInTheModernEra_SaysWhatItSpeaks()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] });
        using var server = new OldServer("/messages");
        guard.Answer = server.AnswerAsync;
        var (status, body) = await guard.PostAsync(
            """{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}""",
            ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "server/discover"));
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal(-32022, JsonNode.Parse(body)!["error"]!["code"]!.GetValue<int>());
    }

    /// <summary>Credentials go to the configured place only.</summary>
    [Theory]
    [InlineData("http://127.0.0.1:9/messages")]
    [InlineData("//evil.test/messages")]
    public async Task Endpoint_OnAnotherHost_IsNotFollowed(string endpoint)
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] });
        using var server = new OldServer(endpoint);
        guard.Answer = server.AnswerAsync;
        using var hello = await guard.SendAsync(HttpMethod.Post, "ann", [], Hello);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, hello.StatusCode);
    }

    private sealed class OldServer(string endpoint) : IDisposable
    {
        private Channel<string> stream = Channel.CreateUnbounded<string>();
        private CancellationTokenSource hangup = new();

        public int Streams { get; private set; }

        public void Hangup() => hangup.Cancel();

        public void Dispose()
        {
            hangup.Cancel();
            hangup.Dispose();
        }

        public async Task AnswerAsync(HttpContext context)
        {
            if (HttpMethods.IsGet(context.Request.Method))
            {
                Streams++;
                (stream, hangup) = (Channel.CreateUnbounded<string>(), new());
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(hangup.Token, context.RequestAborted);
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync($"event: endpoint\ndata: {endpoint}\n\n", ended.Token);
                await context.Response.Body.FlushAsync(ended.Token);
                try
                {
                    await foreach (var message in stream.Reader.ReadAllAsync(ended.Token))
                    {
                        await context.Response.WriteAsync($"event: message\ndata: {message}\n\n", ended.Token);
                        await context.Response.Body.FlushAsync(ended.Token);
                    }
                }
                catch (OperationCanceledException)
                {
                    context.Abort();
                }
            }
            else if (context.Request.Path != "/messages")
            {
                context.Response.StatusCode = 405;
            }
            else
            {
                context.Response.StatusCode = 202;
                var message = JsonNode.Parse((string)context.Items["body"]!)!;
                if (message["id"] is { } id)
                {
                    if (message["params"]?["name"]?.GetValue<string>() is "slow")
                    {
                        stream.Writer.TryWrite("""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}""");
                    }

                    stream.Writer.TryWrite($$$"""{"jsonrpc":"2.0","id":{{{id.ToJsonString()}}},"result":{"said":"{{{message["method"]}}}"}}""");
                }
            }
        }
    }
}
