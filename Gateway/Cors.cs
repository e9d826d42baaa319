using Microsoft.AspNetCore.Http;

namespace Obot.Gateway;

/// <summary>
/// Cross-origin answers (Fetch standard). Public documents and token endpoints, which no cookie opens, are for pages of any origin;
/// MCP endpoints for the origins that <see cref="Hosts"/> let in.
/// </summary>
internal static class Cors
{
    private const string Methods = "GET, POST, DELETE, OPTIONS";
    private const string RequestHeaders = "authorization, content-type, accept, last-event-id, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, traceparent, tracestate";
    private const string Exposed = "WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After";

    public static bool IsPreflight(HttpRequest request) =>
        HttpMethods.IsOptions(request.Method) && request.Headers.Origin.Count == 1 && request.Headers.AccessControlRequestMethod.Count == 1;

    /// <summary>For what anybody may read and no cookie opens.</summary>
    public static void AllowAnyone(HttpResponse response) => response.Headers.AccessControlAllowOrigin = "*";

    /// <summary>For a page whose origin was checked.</summary>
    public static void Allow(HttpContext context)
    {
        if (context.Request.Headers.Origin is [{ } origin])
        {
            context.Response.Headers.AccessControlAllowOrigin = origin;
            context.Response.Headers.AccessControlExposeHeaders = Exposed;
            context.Response.Headers.Append("Vary", "Origin");
        }
    }

    /// <summary>Answers a preflight whose origin was allowed by one of the above.</summary>
    public static void AnswerPreflight(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.AccessControlAllowMethods = Methods;

        // Mcp-Param-* have names of the servers' own; what was asked for is listed back
        headers.AccessControlAllowHeaders = context.Request.Headers.AccessControlRequestHeaders is [{ Length: > 0 and < 2048 } asked] ? asked : RequestHeaders;
        headers.AccessControlMaxAge = "600";
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
