using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Chat.Sessions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Chat.Conversations.Apps;

/// <summary>
/// Pages of MCP Apps (SEP-1865), for the frame in a tool's card. Strangers' HTML under our address: the policy's <c>sandbox</c> takes its
/// origin away, also where it is opened without the frame.
/// </summary>
internal static class AppFrames
{
    public static string Path(string conversationId, string toolCallId) => $"/chat/{Uri.EscapeDataString(conversationId)}/app/{Uri.EscapeDataString(toolCallId)}";

    public static void MapAppFrames(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/chat/{id}/app/{callId}", ServeAsync).RequireAuthorization(SessionSetup.Policy).ExcludeFromDescription();

    /// <summary>What the page may load and ask: nothing but itself and the origins that its server named.</summary>
    internal static string Policy(AppPage page)
    {
        var resources = string.Concat(page.ResourceDomains.Select(origin => $" {origin}"));
        var connect = page.ConnectDomains.Count > 0 ? string.Join(' ', page.ConnectDomains) : "'none'";
        return $"sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'{resources}; style-src 'unsafe-inline'{resources}; img-src data: blob:{resources}; "
            + $"font-src data:{resources}; media-src data: blob:{resources}; connect-src {connect}; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";
    }

    private static async Task<IResult> ServeAsync(HttpContext context, string id, string callId, IConversations conversations)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = Policy(new("", "", [], [], null));
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        headers.CacheControl = "no-store";
        try
        {
            if (SessionPrincipal.Of(context.User) is not { } caller || await conversations.AppPage(caller, id, callId, context.RequestAborted) is not { } page)
            {
                return Results.Text("There is no such page, or not for you.", statusCode: StatusCodes.Status404NotFound);
            }

            headers.ContentSecurityPolicy = Policy(page);
            return Results.Text(page.Html, "text/html; charset=utf-8");
        }
        catch (ServerUnavailableException e)
        {
            return Results.Text($"The page cannot be had from its server: {e.Message}", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }
}
