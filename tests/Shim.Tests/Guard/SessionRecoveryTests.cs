using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace Obot.Shim.Tests.Guard;

/// <summary>Legacy sessions go on under the same id when the server behind the guard forgot them.</summary>
public sealed class SessionRecoveryTests
{
    private const string Hello = """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}}""";
    private const string Call = """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{}}}""";

    [Fact]
    public async Task Session_ThatTheServerForgot_IsBegunAgainUnderTheSameId()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] });
        var server = new ForgetfulServer();
        guard.Answer = server.AnswerAsync;
        var session = await BeginAsync(guard);
        Assert.Equal(HttpStatusCode.OK, await CallAsync(guard, session));
        Assert.Equal(1, server.Begun);

        server.Forget();
        using var response = await SendAsync(guard, session, "ann");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(session, response.Headers.GetValues("Mcp-Session-Id").Single());
        Assert.Equal(2, server.Begun);
        Assert.Equal("roots", JsonNode.Parse(server.Hellos[1])!["params"]!["capabilities"]!.AsObject().Single().Key);
        Assert.Equal(Call, guard.Reached[^1]);
        Assert.Equal(HttpStatusCode.OK, await CallAsync(guard, session));
        Assert.Equal(2, server.Begun);

        server.Forget();
        Assert.All(await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => CallAsync(guard, session))), status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal(3, server.Begun);
    }

    [Fact]
    public async Task Session_OfSomebodyElse_IsNotBegunAgain()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann", "bob"] });
        var server = new ForgetfulServer();
        guard.Answer = server.AnswerAsync;
        var session = await BeginAsync(guard);
        server.Forget();
        using var stolen = await SendAsync(guard, session, "bob");
        Assert.Equal(HttpStatusCode.NotFound, stolen.StatusCode);
        Assert.Equal(1, server.Begun);
    }

    [Fact]
    public async Task Session_ThatWasDeleted_StaysDeleted()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] });
        var server = new ForgetfulServer();
        guard.Answer = server.AnswerAsync;
        var session = await BeginAsync(guard);
        using var deleted = await guard.SendAsync(HttpMethod.Delete, "ann", [], null, ("Mcp-Session-Id", session));
        Assert.Equal(HttpStatusCode.OK, deleted.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, await CallAsync(guard, session));
        Assert.Equal(1, server.Begun);
    }

    [Fact]
    public async Task Session_OfAServerThatKeepsState_Expires()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] }, recoversSessions: false);
        var server = new ForgetfulServer();
        guard.Answer = server.AnswerAsync;
        var session = await BeginAsync(guard);
        Assert.Equal(HttpStatusCode.OK, await CallAsync(guard, session));
        server.Forget();
        Assert.Equal(HttpStatusCode.NotFound, await CallAsync(guard, session));
        Assert.Equal(1, server.Begun);
    }

    [Fact]
    public async Task Session_ThatTheServerDoesNotTakeAgain_IsGone()
    {
        await using var guard = await TestGuard.StartAsync(new() { Owners = ["ann"] });
        var server = new ForgetfulServer();
        guard.Answer = server.AnswerAsync;
        var session = await BeginAsync(guard);
        server.Forget();
        server.Refuses = true;
        Assert.Equal(HttpStatusCode.NotFound, await CallAsync(guard, session));
        server.Refuses = false;
        Assert.Equal(HttpStatusCode.OK, await CallAsync(guard, session));
    }

    private static async Task<string> BeginAsync(TestGuard guard)
    {
        using var response = await guard.SendAsync(HttpMethod.Post, "ann", [], Hello);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response.Headers.GetValues("Mcp-Session-Id").Single();
    }

    private static async Task<HttpStatusCode> CallAsync(TestGuard guard, string session)
    {
        using var response = await SendAsync(guard, session, "ann");
        return response.StatusCode;
    }

    private static Task<HttpResponseMessage> SendAsync(TestGuard guard, string session, string user) =>
        guard.SendAsync(HttpMethod.Post, user, [], Call, ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"));

    /// <summary>Knows the sessions that it began, until it is told to forget them.</summary>
    private sealed class ForgetfulServer
    {
        private readonly Lock gate = new();
        private readonly HashSet<string> sessions = new(StringComparer.Ordinal);

        public List<string> Hellos { get; } = [];

        public int Begun => Hellos.Count;

        public bool Refuses { get; set; }

        public void Forget()
        {
            lock (gate)
            {
                sessions.Clear();
            }
        }

        public Task AnswerAsync(HttpContext context)
        {
            var body = (string)context.Items["body"]!;
            lock (gate)
            {
                var named = context.Request.Headers["Mcp-Session-Id"].ToString();
                if (body.Contains("\"initialize\"", StringComparison.Ordinal))
                {
                    if (Refuses)
                    {
                        context.Response.StatusCode = 400;
                        return Task.CompletedTask;
                    }

                    Hellos.Add(body);
                    var session = $"s{Hellos.Count}";
                    sessions.Add(session);
                    context.Response.Headers["Mcp-Session-Id"] = session;
                    return TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}""");
                }

                if (!sessions.Contains(named))
                {
                    context.Response.StatusCode = 404;
                    return TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":2,"error":{"code":-32001,"message":"Session not found"}}""");
                }

                if (HttpMethods.IsDelete(context.Request.Method))
                {
                    sessions.Remove(named);
                    return Task.CompletedTask;
                }

                if (body.Contains("notifications/", StringComparison.Ordinal))
                {
                    context.Response.StatusCode = 202;
                    return Task.CompletedTask;
                }

                context.Response.Headers["Mcp-Session-Id"] = named;
                return TestGuard.WriteAsync(context, """{"jsonrpc":"2.0","id":2,"result":{}}""");
            }
        }
    }
}
