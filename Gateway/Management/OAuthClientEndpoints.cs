using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Gateway.OAuth.Clients;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/oauth-clients</c>, and the client credentials of service accounts.</summary>
internal static class OAuthClientEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/oauth-clients").WithTags("oauth-clients");
        group.MapPost("", CreateAsync).WithBody<NewOAuthClient>().Produces<OAuthClientBody>(StatusCodes.Status201Created)
            .WithSummary("Make a client that can neither register itself nor publish a document; 'clientSecret' is shown only here (administrators)");
        group.MapGet("", ListAsync).WithPaging().Produces<ListBody<OAuthClientBody>>().WithSummary("List all clients (administrators)");
        group.MapDelete("/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove a client with its consents, grants and tokens (administrators)");
        api.MapPost("/service-accounts/{id}/client-secrets", CreateForAsync).WithTags("service-accounts").Produces<OAuthClientBody>(StatusCodes.Status201Created)
            .WithSummary("Make client credentials of a service account; 'clientSecret' is shown only here (administrators)");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] RegisteredClients clients)
    {
        var body = await RequestBody.ReadAsync<NewOAuthClient>(context);
        return Json(await clients.CreateAsync(context.Caller(), body.Value, context.RequestAborted), StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] RegisteredClients clients)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var offset = int.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var position) ? position : 0;
        var page = await clients.ListAsync(context.Caller(), limit + 1, offset, context.RequestAborted);
        return Json(new ListBody<OAuthClientBody>([.. page.Take(limit)], page.Count > limit ? $"{offset + limit}" : null));
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, [FromServices] RegisteredClients clients, string id) =>
        await clients.DeleteAsync(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound("OAuth client", id);

    private static async Task<IResult> CreateForAsync(HttpContext context, [FromServices] RegisteredClients clients, [FromServices] IUsers users, string id) =>
        await users.Find(context.Caller(), id, context.RequestAborted) is { Kind: UserKind.Service } account
            ? Json(await clients.CreateForAsync(context.Caller(), account, context.RequestAborted), StatusCodes.Status201Created)
            : ManagementProblems.NotFound("service account", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
