using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/connected-applications</c>: the OAuth clients that the caller let in.</summary>
internal static class ConnectedApplicationEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/connected-applications").WithTags("connected-applications");
        group.MapGet("", ListAsync).Produces<ListBody<ConnectedApplication>>().WithSummary("List the clients that you let in");
        group.MapDelete("/{id}", DisconnectAsync).Produces(StatusCodes.Status204NoContent)
            .WithSummary("Take back consent, grants and tokens of a client; refused everywhere within a second");
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IConnectedApplications applications, CancellationToken cancellationToken) =>
        Results.Json(new ListBody<ConnectedApplication>(await applications.List(context.Caller().UserId, cancellationToken), null), ManagementJson.Options);

    private static async Task<IResult> DisconnectAsync(HttpContext context, [FromServices] IConnectedApplications applications, string id, CancellationToken cancellationToken) =>
        await applications.Disconnect(context.Caller().UserId, id, cancellationToken) ? Results.NoContent() : ManagementProblems.NotFound("connected application", id);
}
