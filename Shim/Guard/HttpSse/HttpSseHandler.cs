using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Guard.Composite;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.HttpSse;

/// <summary>
/// Remote servers of revision 2024-11-05 (HTTP+SSE) behind the same face as all others. What a server is, is found out as the specification
/// says (2025-03-26, "Backwards Compatibility"): who refuses a POST is asked for a stream, and if that begins with the event
/// <c>endpoint</c>, it is one of the old. A session there is one stream.
/// </summary>
internal sealed class HttpSseHandler(HttpMessageHandler inner, Uri endpoint, TimeProvider time) : DelegatingHandler(inner)
{
    private const int SessionNotFound = -32001;
    private const int MaxSessions = 2000;
    private static readonly TimeSpan ProbeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Idle = TimeSpan.FromMinutes(15);
    private static readonly string[] NotOfTheStream = [McpHeaders.SessionId, "Accept", McpHeaders.Method, McpHeaders.Name];

    private readonly Dictionary<string, HttpSseSession> sessions = new(StringComparer.Ordinal);
    private volatile bool isKnown;
    private volatile bool isOld;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (isOld)
        {
            return await ServeAsync(request, spare: null, cancellationToken);
        }

        if (isKnown || request.Method != HttpMethod.Post || request.Content is null)
        {
            return await base.SendAsync(request, cancellationToken);
        }

        // it may have to be said again, in the other way
        await request.Content.LoadIntoBufferAsync(cancellationToken);
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode is not (HttpStatusCode.BadRequest or HttpStatusCode.NotFound or HttpStatusCode.MethodNotAllowed))
        {
            isKnown = isKnown || response.IsSuccessStatusCode;
            return response;
        }

        if (await OpenAsync(request, cancellationToken) is not { } opened)
        {
            isKnown = true;
            return response;
        }

        response.Dispose();
        isOld = true;
        return await ServeAsync(request, opened, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (sessions)
            {
                foreach (var session in sessions.Values)
                {
                    session.Dispose();
                }

                sessions.Clear();
            }
        }

        base.Dispose(disposing);
    }

    /// <param name="spare">A session that was opened to find out what the server is; whoever does not begin one has no use for it.</param>
    private async Task<HttpResponseMessage> ServeAsync(HttpRequestMessage request, HttpSseSession? spare, CancellationToken cancellationToken)
    {
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(cancellationToken);
        var message = Messages.Parse(body);
        var method = message.Text("method");
        var id = message?["id"];
        var named = Header(request, McpHeaders.SessionId);
        if (method is not McpMethods.Initialize || named is not null)
        {
            spare?.Dispose();
        }

        if (McpVersions.IsModern(Header(request, McpHeaders.ProtocolVersion)) || method is McpMethods.Discover)
        {
            var refusal = Messages.Error(id, McpErrorCodes.UnsupportedVersion, "the server speaks revisions before 2026-07-28 only");
            refusal["error"]!["data"] = new JsonObject { ["supported"] = new JsonArray([.. McpVersions.Legacy.Select(version => (JsonNode)version)]) };
            return Json(refusal, HttpStatusCode.BadRequest);
        }

        if (method is McpMethods.Initialize && named is null)
        {
            if ((spare ?? await OpenAsync(request, cancellationToken)) is not { } opened)
            {
                return Json(Messages.Error(id, McpErrorCodes.Refused, "the server opens no stream any more"), HttpStatusCode.BadGateway);
            }

            Keep(opened);
            var answer = await opened.CallAsync(request, body, id!, SendOnAsync, cancellationToken);
            answer.Headers.TryAddWithoutValidation(McpHeaders.SessionId, opened.Id);
            return answer;
        }

        if (named is null || Find(named) is not { } session)
        {
            return Json(Messages.Error(id, SessionNotFound, "Session not found"), HttpStatusCode.NotFound);
        }

        if (request.Method == HttpMethod.Delete)
        {
            Drop(session);
            return new(HttpStatusCode.OK);
        }

        if (request.Method == HttpMethod.Get)
        {
            return session.Listen(cancellationToken);
        }

        return method is not null && id is not null
            ? await session.CallAsync(request, body, id, SendOnAsync, cancellationToken)
            : await session.TellAsync(request, body, SendOnAsync, cancellationToken);
    }

    private Task<HttpResponseMessage> SendOnAsync(HttpRequestMessage request, CancellationToken cancellationToken) => base.SendAsync(request, cancellationToken);

    /// <summary>A session of the old kind; null when the server has none.</summary>
    private async Task<HttpSseSession?> OpenAsync(HttpRequestMessage like, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ProbeLimit);
        var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        CopyHeaders(like, request);
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        HttpResponseMessage? response = null;
        try
        {
            response = await base.SendAsync(request, limit.Token);
            if (!response.IsSuccessStatusCode || response.Content.Headers.ContentType?.MediaType is not "text/event-stream")
            {
                response.Dispose();
                return null;
            }

            var events = SseParser.Create(await response.Content.ReadAsStreamAsync(limit.Token), (_, data) => data.ToArray()).EnumerateAsync(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
            if (await events.MoveNextAsync().AsTask().WaitAsync(limit.Token) && events.Current.EventType == "endpoint"
                && Uri.TryCreate(endpoint, Encoding.UTF8.GetString(events.Current.Data), out var post) && IsOfTheServer(post))
            {
                return new(response, events, post, time);
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidOperationException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // then it is none
        }

        response?.Dispose();
        return null;
    }

    /// <summary>The credentials of the caller go there: never to another place than the one that was configured.</summary>
    private bool IsOfTheServer(Uri post) => post.Scheme == endpoint.Scheme && post.Authority == endpoint.Authority;

    internal static void CopyHeaders(HttpRequestMessage from, HttpRequestMessage to)
    {
        foreach (var (name, values) in from.Headers.NonValidated)
        {
            if (!NotOfTheStream.Contains(name, StringComparer.OrdinalIgnoreCase))
            {
                to.Headers.TryAddWithoutValidation(name, values);
            }
        }
    }

    private void Keep(HttpSseSession opened)
    {
        lock (sessions)
        {
            foreach (var old in sessions.Values.Where(session => session.IsOver || session.IsIdleFor(sessions.Count < MaxSessions ? Idle : TimeSpan.FromSeconds(30))).ToList())
            {
                sessions.Remove(old.Id);
                old.Dispose();
            }

            sessions[opened.Id] = opened;
        }
    }

    private HttpSseSession? Find(string id)
    {
        lock (sessions)
        {
            return sessions.TryGetValue(id, out var session) && !session.IsOver ? session : null;
        }
    }

    private void Drop(HttpSseSession session)
    {
        lock (sessions)
        {
            sessions.Remove(session.Id);
        }

        session.Dispose();
    }

    private static HttpResponseMessage Json(JsonObject message, HttpStatusCode status) => new(status)
    {
        Content = new StringContent(message.ToJsonString(), Encoding.UTF8, new MediaTypeHeaderValue("application/json")),
    };

    private static string? Header(HttpRequestMessage request, string name) => request.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
