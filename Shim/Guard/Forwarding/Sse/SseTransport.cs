using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Forwarding.Sse;

/// <summary>
/// A server of HTTP+SSE (MCP 2024-11-05, "HTTP with SSE") seen as one of streamable HTTP: a session is one event stream, a POST is answered with
/// what that stream says to it. Everything above goes on as with any other server.
/// </summary>
internal sealed class SseTransport(Uri endpoint, HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    private const int MaxSessions = 1000;
    private static readonly TimeSpan IdleAfter = TimeSpan.FromMinutes(15);

    private readonly ConcurrentDictionary<string, SseSession> sessions = new(StringComparer.Ordinal);

    /// <summary>By the name that servers of this transport have for it.</summary>
    public static bool IsMeantBy(Uri endpoint) => endpoint.AbsolutePath.EndsWith("/sse", StringComparison.Ordinal);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri != endpoint)
        {
            return await base.SendAsync(request, cancellationToken);
        }

        var id = request.Headers.TryGetValues(McpHeaders.SessionId, out var values) ? values.FirstOrDefault() : null;
        var session = id is not null ? sessions.GetValueOrDefault(id) : null;
        if (id is not null && session is null)
        {
            return Error(request, HttpStatusCode.NotFound, [], -32001, "Session not found");
        }

        if (request.Method == HttpMethod.Post)
        {
            var body = await request.Content!.ReadAsByteArrayAsync(cancellationToken);
            return session is null ? await OpenAsync(request, body, cancellationToken) : await session.PostAsync(request, body, cancellationToken);
        }

        if (session is null)
        {
            // the health check of a guard: the stream begins, that is enough
            return request.Method == HttpMethod.Get && request.Headers.Accept.Count == 0
                ? await base.SendAsync(request, cancellationToken)
                : new HttpResponseMessage(HttpStatusCode.MethodNotAllowed) { RequestMessage = request };
        }

        if (request.Method == HttpMethod.Get)
        {
            return session.Listen(request);
        }

        End(id!);
        return new HttpResponseMessage(HttpStatusCode.OK) { RequestMessage = request };
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var id in sessions.Keys)
        {
            End(id);
        }

        base.Dispose(disposing);
    }

    /// <summary>The body of a JSON-RPC error; <paramref name="id"/> is the raw token, empty for null.</summary>
    internal static HttpResponseMessage Error(HttpRequestMessage request, HttpStatusCode status, ReadOnlySpan<byte> id, int code, string message) => new(status)
    {
        RequestMessage = request,
        Content = Json(Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":{{{(id.IsEmpty ? "null" : Encoding.UTF8.GetString(id))}}},"error":{"code":{{{code}}},"message":"{{{message}}}"}}""")),
    };

    internal static ByteArrayContent Json(byte[] message) => new(message) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };

    private async Task<HttpResponseMessage> OpenAsync(HttpRequestMessage request, byte[] body, CancellationToken cancellationToken)
    {
        var envelope = EnvelopeReader.Read(body);
        if (envelope.Method != "initialize")
        {
            return Error(request, HttpStatusCode.BadRequest, body.AsSpan(envelope.Id.Start, envelope.Id.Length), McpErrorCodes.InvalidRequest, "this server speaks HTTP+SSE: initialize a session first");
        }

        Reap();
        if (sessions.Count >= MaxSessions)
        {
            return Error(request, HttpStatusCode.ServiceUnavailable, body.AsSpan(envelope.Id.Start, envelope.Id.Length), McpErrorCodes.InternalError, $"{MaxSessions} sessions are open at this server");
        }

        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var session = await SseSession.OpenAsync(endpoint, request.Headers, base.SendAsync, time, cancellationToken);
        sessions[id] = session;
        session.Ended.ContinueWith(_ => sessions.TryRemove(id, out var _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default).Forget();
        try
        {
            var response = await session.PostAsync(request, body, cancellationToken);
            response.Headers.TryAddWithoutValidation(McpHeaders.SessionId, id);
            return response;
        }
        catch
        {
            End(id);
            throw;
        }
    }

    private void Reap()
    {
        foreach (var (id, _) in sessions.Where(pair => pair.Value.IdleFor > IdleAfter))
        {
            End(id);
        }
    }

    private void End(string id)
    {
        if (sessions.TryRemove(id, out var session))
        {
            session.Dispose();
        }
    }
}

file static class Tasks
{
    public static void Forget(this Task task) => _ = task;
}
