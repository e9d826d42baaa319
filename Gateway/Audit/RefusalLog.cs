using Microsoft.AspNetCore.Http;
using Obot.Gateway.Authentication;
using Obot.Grains.Abstractions.Audit;
using Obot.Shim.Contracts.Audit;
using Obot.Shim.Contracts.Protocol;

namespace Obot.Gateway.Audit;

/// <summary>
/// Records what the gateway itself refuses at <c>/mcp-connect</c>; everything else is recorded by the guard that answered. The record is in this
/// silo's write-ahead file before the refusal's body goes out, which Kestrel does when the request is over.
/// </summary>
internal sealed class RefusalLog(IAuditEvents events, TimeProvider time)
{
    private const int TraceIdLength = 32;
    private static readonly System.Buffers.SearchValues<char> Hexadecimal = System.Buffers.SearchValues.Create("0123456789abcdef");

    public async Task InvokeAsync(HttpContext context, string serverId, RequestDelegate next)
    {
        var started = time.GetTimestamp();
        var audited = new AuditedRequest(CallId.New(time.GetUtcNow()));
        context.Features.Set(audited);
        await next(context);
        if (GatewayInstruments.MeasuresRequests)
        {
            GatewayInstruments.Answered(context, time.GetElapsedTime(started));
        }

        if (audited.Refusal is { } refusal)
        {
            events.Record(EventOf(context, serverId, audited.Id, refusal, time.GetElapsedTime(started)));
        }
    }

    private static AuditEvent EventOf(HttpContext context, string serverId, Guid id, Refusal refusal, TimeSpan duration)
    {
        var request = context.Request;
        var caller = context.Features.Get<Verdict>()?.Principal;
        return new()
        {
            Id = id,
            Method = refusal.Method ?? (request.Headers[McpHeaders.Method] is { Count: 1 } method && HttpMethods.IsPost(request.Method) ? method.ToString() : request.Method),
            Identifier = refusal.Identifier,
            Status = context.Response.StatusCode,
            Error = refusal.Message,
            Duration = duration,
            UserId = caller?.UserId,
            CredentialId = caller?.CredentialId,
            ServerId = serverId,
            SessionId = request.Headers[McpHeaders.SessionId] is { Count: 1 } session ? session.ToString() : null,
            TraceId = request.Headers.TraceParent is [{ Length: >= 55 } trace] && !trace.AsSpan(3, TraceIdLength).ContainsAnyExcept(Hexadecimal) ? trace.Substring(3, TraceIdLength) : null,
            ClientIp = ClientAddress.Of(context),
            ClientName = Product(request.Headers.UserAgent.ToString()),
            RequestBytes = request.ContentLength ?? 0,
        };
    }

    private static string? Product(string userAgent) => userAgent.AsSpan().Trim() is { Length: > 0 } text ? text[..(text.IndexOfAny('/', ' ') is > 0 and var end ? end : text.Length)].ToString() : null;
}
