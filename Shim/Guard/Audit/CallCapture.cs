using System.Buffers;
using Microsoft.AspNetCore.Http.Features;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Protocol;
using Obot.Shim.Protocol;

namespace Obot.Shim.Guard.Audit;

/// <summary>
/// What is kept of one call while it passes: the heads of both bodies up to the limit, their true lengths, headers, and how the answer went. Used again
/// for one call after the other.
/// </summary>
internal sealed class CallCapture : IDisposable
{
    private const int ClientGone = 499;
    private const int TraceIdLength = 32;
    private static readonly SearchValues<char> Hexadecimal = SearchValues.Create("0123456789abcdef");

    private readonly AuditTrail trail;
    private readonly AnswerTee tee;
    private readonly AnswerScanner answer = new();
    private readonly EventScanner events;
    private readonly FrameWriter frame = new();
    private readonly List<KeyValuePair<string, string>> headers = new(16);
    private readonly KeptBytes request;
    private readonly KeptBytes response;
    private Guid id;
    private string? session;
    private ClientName? client;
    private bool isRecorded;
    private bool isBegun;
    private bool isJson;
    private bool isEvents;

    public CallCapture(AuditTrail trail)
    {
        this.trail = trail;
        tee = new(this);
        events = new(answer);
        request = new(trail.MaxBodyBytes);
        response = new(trail.MaxBodyBytes);
    }

    private GuardCall? Call { get; set; }

    public void Begin(GuardCall call, DateTimeOffset now)
    {
        (Call, isRecorded, isBegun) = (call, false, false);
        var context = call.Context;
        id = context.Request.Headers[ObotHeaders.CallId] is { Count: 1 } given && Guid.TryParseExact(given[0], "D", out var known) && known.Version == 7 ? known : CallId.New(now);

        // now: on the way to the server some are taken away and others put in
        foreach (var (name, values) in context.Request.Headers)
        {
            if (!SecretHeaders.IsOurs(name))
            {
                headers.Add(new(name, trail.Secrets.IsSecret(name) ? SecretHeaders.Hidden : values.ToString()));
            }
        }

        session = context.Request.Headers[McpHeaders.SessionId] is { Count: 1 } handle ? handle[0] : null;
        tee.Begin(context.Response.Body);
        context.Response.Body = tee;
    }

    /// <summary>The request's body, where it lies.</summary>
    public void Request(in ReadOnlySequence<byte> body, in JsonRpcEnvelope envelope)
    {
        request.Add(body);
        if (envelope.ClientInfo is { Present: true } range)
        {
            var token = body.Slice(range.Start, range.Length);
            client = trail.Clients.Of(token.IsSingleSegment ? token.FirstSpan : token.ToArray());
        }
    }

    /// <summary>The next bytes of the answer, before they go out. With the last of them goes the record.</summary>
    public void Response(ReadOnlySpan<byte> bytes)
    {
        var http = Call!.Context.Response;
        if (!isBegun)
        {
            isBegun = true;
            var type = http.Headers.ContentEncoding.Count == 0 ? http.ContentType : null;
            isEvents = type?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) is true && HttpMethods.IsPost(Call.Context.Request.Method);
            isJson = type?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) is true;
        }

        response.Add(bytes);
        if (isRecorded)
        {
            return;
        }

        var isAnswered = false;
        if (isEvents)
        {
            isAnswered = events.Feed(bytes);
        }
        else if (isJson)
        {
            answer.Feed(bytes);
        }

        // a client has its answer when the event is over, and not only when the stream is
        if (isAnswered || http.ContentLength == response.Length)
        {
            Record();
        }
    }

    /// <summary>Nothing more is answered.</summary>
    public void End()
    {
        if (!isRecorded)
        {
            Record();
        }
    }

    /// <summary>The record of the call as it is now.</summary>
    public ReadOnlySpan<byte> Write(GuardCall call, TimeSpan duration)
    {
        var http = call.Context.Response;
        var isGone = call.Context.RequestAborted.IsCancellationRequested;
        var handle = session ?? (http.Headers[McpHeaders.SessionId] is { Count: 1 } made ? made[0] : null);
        var name = client ?? (session is null ? null : trail.Clients.OfSession(session));
        if (client is not null && handle is not null && call.Envelope.Method is McpMethods.Initialize)
        {
            trail.Clients.Remember(handle, client);
        }

        name ??= ClientName.OfUserAgent(call.Context.Request.Headers.UserAgent);
        frame.Begin(new()
        {
            Id = id,
            At = CallId.TimeOf(id)!.Value,
            Duration = duration,
            UserId = call.Caller?.UserId,
            CredentialId = call.Caller?.CredentialId,
            ClientName = name?.Name,
            ClientVersion = name?.Version,
            Method = MethodOf(call),
            Identifier = call.Name,
            Status = isGone ? ClientGone : http.StatusCode,
            Error = ErrorOf(call, isGone),
            SessionId = AuditSession.Of(handle),
            TraceId = TraceOf(call.Context.Request.Headers.TraceParent),
            ClientIp = call.ClientIp,
            Filters = call.Filters ?? (IReadOnlyList<FilterRun>)[],
            RequestBytes = request.Length,
            ResponseBytes = response.Length,
        });
        frame.BeginDetail();
        foreach (var (header, value) in headers)
        {
            frame.RequestHeader(header, value);
        }

        foreach (var (header, values) in http.Headers)
        {
            if (!SecretHeaders.IsOurs(header))
            {
                frame.ResponseHeader(header, trail.Secrets.IsSecret(header) ? SecretHeaders.Hidden : values.ToString());
            }
        }

        frame.RequestBody(request.Kept);
        frame.ResponseBody(response.Kept);
        frame.EndDetail();
        return frame.End();
    }

    public void Clear()
    {
        Call = null;
        (session, client, isJson, isEvents) = (null, null, false, false);
        headers.Clear();
        tee.Clear();
        events.Reset();
        request.Clear();
        response.Clear();
        frame.Trim();
    }

    public void Dispose() => tee.Dispose();

    private void Record()
    {
        isRecorded = true;
        trail.Record(this, Call!);
    }

    private string? ErrorOf(GuardCall call, bool isGone)
    {
        var status = call.Context.Response.StatusCode;
        if (call.Filters?.Find(run => run.Outcome is FilterOutcomes.Rejected or FilterOutcomes.Failed) is { } filter)
        {
            return $"filter '{filter.Name}' {filter.Outcome}{(filter.Detail is null ? "" : $": {filter.Detail}")}";
        }

        if (answer.HasError)
        {
            return $"{answer.ErrorCode}: {answer.ErrorMessage}";
        }

        if (answer.IsToolError)
        {
            return "the tool reported an error (isError)";
        }

        if (isGone)
        {
            return "the connection ended before the answer did";
        }

        return status >= StatusCodes.Status400BadRequest ? $"HTTP {status}" : null;
    }

    private static string MethodOf(GuardCall call) => call.Envelope.Kind switch
    {
        EnvelopeKind.Response => "response",
        _ when call.Envelope.Method is { } method => method,
        _ => call.Context.Request.Method,
    };

    /// <summary>W3C Trace Context, 3.2.2: <c>version-traceid-parentid-flags</c>.</summary>
    private static string? TraceOf(Microsoft.Extensions.Primitives.StringValues header) =>
        header.Count == 1 && header[0] is { Length: >= 55 } text && text[2] == '-' && text[3 + TraceIdLength] == '-'
        && !text.AsSpan(3, TraceIdLength).ContainsAnyExcept(Hexadecimal)
            ? text.Substring(3, TraceIdLength)
            : null;
}
