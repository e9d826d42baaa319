using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Sessions;

namespace Obot.Gateway.Management;

/// <summary><c>/api/sessions</c>: the caller's own sign-in sessions; <c>/api/users/{id}/sessions</c>: another user's, for administrators.</summary>
internal static class SessionEndpoints
{
    private const string Mine = "";

    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/sessions").WithTags("sessions");
        group.MapGet("", (HttpContext context, [FromServices] IUserSessions sessions) => ListAsync(context, sessions, Mine))
            .Produces<ListBody<UserSessionView>>().WithSummary("Your sign-in sessions, newest first");
        group.MapDelete("", (HttpContext context, [FromServices] IUserSessions sessions) => EndAllAsync(context, sessions, Mine))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Sign out everywhere");
        group.MapDelete("/{sessionId}", (HttpContext context, [FromServices] IUserSessions sessions, string sessionId) => EndAsync(context, sessions, Mine, sessionId))
            .Produces(StatusCodes.Status204NoContent).WithSummary("End a session of yours; refused everywhere within a second");

        var others = api.MapGroup("/users/{id}/sessions").WithTags("sessions");
        others.MapGet("", ListAsync).Produces<ListBody<UserSessionView>>().WithSummary("A user's sign-in sessions, newest first (role admin)");
        others.MapDelete("", EndAllAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Sign a user out everywhere (role admin)");
        others.MapDelete("/{sessionId}", (HttpContext context, [FromServices] IUserSessions sessions, string id, string sessionId) => EndAsync(context, sessions, id, sessionId))
            .Produces(StatusCodes.Status204NoContent).WithSummary("End a session of a user (role admin)");
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IUserSessions sessions, string id) =>
        Results.Json(new ListBody<UserSessionView>(await sessions.List(context.Caller(), Of(context, id), context.RequestAborted), null), ManagementJson.Options);

    private static async Task<IResult> EndAllAsync(HttpContext context, [FromServices] IUserSessions sessions, string id)
    {
        await sessions.RevokeAll(context.Caller(), Of(context, id), exceptId: null, context.RequestAborted);
        return Results.NoContent();
    }

    private static async Task<IResult> EndAsync(HttpContext context, [FromServices] IUserSessions sessions, string id, string sessionId) =>
        await sessions.Revoke(context.Caller(), Of(context, id), sessionId, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound("session", sessionId);

    private static string Of(HttpContext context, string id) => id == Mine ? context.Caller().UserId : id;
}
