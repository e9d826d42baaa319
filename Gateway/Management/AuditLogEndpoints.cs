using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Audit;

namespace Obot.Gateway.Management;

/// <summary><c>/api/mcp-audit-logs</c>: records of calls, newest first.</summary>
internal static class AuditLogEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-audit-logs").WithTags("mcp-audit-logs");
        group.MapGet("", async (HttpContext context, [FromServices] IAuditLogs logs) =>
            {
                var (limit, cursor) = ListQuery.Of(context);
                return Json(ListBody<AuditLogBody>.Of(await logs.Search(context.Caller(), QueryOf(context), limit, cursor, context.RequestAborted), AuditLogBody.Of));
            })
            .WithPaging()
            .WithQuery("mcpServerID", "Calls of this server").WithQuery("userID", "Calls of this user")
            .WithQuery("client", "Name of the client, or name/version; case does not matter").WithQuery("method", "JSON-RPC method")
            .WithQuery("identifier", "Tool, prompt or URI, exactly").WithQuery("status", "A number (403), a class (4xx), 'ok' or 'error'")
            .WithQuery("sessionID", "Value of Mcp-Session-Id").WithQuery("startTime", "From, inclusive (RFC 3339)").WithQuery("endTime", "To, exclusive (RFC 3339)")
            .WithQuery("query", "Text that occurs in the metadata or in the name of user or server")
            .Produces<ListBody<AuditLogBody>>().WithSummary("Search records of calls: all of them for administrators and auditors, those of their own servers for power users");
        group.MapGet("/{id}", async (HttpContext context, [FromServices] IAuditLogs logs, string id) =>
            await logs.Find(context.Caller(), id, context.RequestAborted) is { } entry ? Json(AuditLogBody.Of(entry)) : ManagementProblems.NotFound("audit record", id))
            .Produces<AuditLogBody>().WithSummary("Get a record; for auditors with headers and bodies, which is itself recorded");
    }

    /// <exception cref="InvalidInputException">Not a time as RFC 3339 has it.</exception>
    internal static DateTimeOffset? Time(HttpContext context, string name)
    {
        var text = context.Request.Query[name].ToString();
        if (text.Length == 0)
        {
            return null;
        }

        // a '+' of an offset that nobody escaped arrives as a blank
        return DateTimeOffset.TryParse(text.Replace(' ', text.Contains('T', StringComparison.Ordinal) ? '+' : ' '), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && text.Length >= 10
            ? time.ToUniversalTime()
            : throw new InvalidInputException(name, "Must be a time in RFC 3339, such as 2026-07-28T12:00:00Z.");
    }

    private static AuditQuery QueryOf(HttpContext context)
    {
        return new()
        {
            McpServerId = Text("mcpServerID"),
            UserId = Text("userID"),
            Client = Text("client"),
            Method = Text("method"),
            Identifier = Text("identifier"),
            Status = Text("status"),
            SessionId = Text("sessionID"),
            StartTime = Time(context, "startTime"),
            EndTime = Time(context, "endTime"),
            Text = Text("query"),
        };

        string? Text(string name) => context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;
    }

    private static IResult Json<T>(T body) => Results.Json(body, ManagementJson.Options);
}

/// <summary>A record. Headers and bodies only for auditors, and only of one record at a time.</summary>
internal sealed record AuditLogBody
{
    public required string Id { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public string? UserID { get; init; }
    public string? UserName { get; init; }
    public string? CredentialID { get; init; }
    public string? ClientName { get; init; }
    public string? ClientVersion { get; init; }
    public string? McpServerID { get; init; }
    public string? McpServerName { get; init; }
    public required string Method { get; init; }
    public string? Identifier { get; init; }

    /// <summary>HTTP status of the answer; 499 when the client went away first.</summary>
    public required int Status { get; init; }

    /// <summary>Absent when the call went well.</summary>
    public string? Error { get; init; }
    public required double DurationMs { get; init; }
    public string? SessionID { get; init; }
    public string? TraceID { get; init; }
    public string? ClientIP { get; init; }
    public required IReadOnlyList<AuditFilterRun> Filters { get; init; }

    /// <summary>True length, however much of the body was kept.</summary>
    public required long RequestBytes { get; init; }
    public required long ResponseBytes { get; init; }
    public IReadOnlyDictionary<string, string>? RequestHeaders { get; init; }
    public IReadOnlyDictionary<string, string>? ResponseHeaders { get; init; }

    /// <summary>JSON where it is that and whole, otherwise a text.</summary>
    public object? RequestBody { get; init; }
    public object? ResponseBody { get; init; }

    public static AuditLogBody Of(AuditEntry entry) => new()
    {
        Id = entry.Id,
        CreatedAt = entry.At,
        UserID = entry.UserId,
        UserName = entry.UserName,
        CredentialID = entry.CredentialId,
        ClientName = entry.ClientName,
        ClientVersion = entry.ClientVersion,
        McpServerID = entry.McpServerId,
        McpServerName = entry.ServerName,
        Method = entry.Method,
        Identifier = entry.Identifier,
        Status = entry.Status,
        Error = entry.Error,
        DurationMs = entry.DurationMs,
        SessionID = entry.SessionId,
        TraceID = entry.TraceId,
        ClientIP = entry.ClientIp,
        Filters = entry.Filters,
        RequestBytes = entry.RequestBytes,
        ResponseBytes = entry.ResponseBytes,
        RequestHeaders = Headers(entry.Bodies?.RequestHeaders),
        ResponseHeaders = Headers(entry.Bodies?.ResponseHeaders),
        RequestBody = entry.Bodies is { } request ? AuditBodies.AsJson(request.RequestBody) : null,
        ResponseBody = entry.Bodies is { } response ? AuditBodies.AsJson(response.ResponseBody) : null,
    };

    private static Dictionary<string, string>? Headers(IReadOnlyList<KeyValuePair<string, string>>? headers) =>
        headers?.GroupBy(pair => pair.Key, StringComparer.OrdinalIgnoreCase).ToDictionary(group => group.Key, group => string.Join(", ", group.Select(pair => pair.Value)), StringComparer.OrdinalIgnoreCase);
}
