using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary>Below <c>/api/mcp-servers/{id}</c>: values taken back or shown, the caller's account at a third party, and the client for it.</summary>
internal static class ServerCredentialEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-servers/{id}").WithTags("mcp-servers");
        group.MapPost("/deconfigure", DeconfigureAsync).Produces<ServerBody>().WithSummary("Take the caller's values away (those of a shared instance too, for whoever manages the server)");
        group.MapPost("/reveal", RevealAsync).Produces<Dictionary<string, string>>().WithSummary("The values that the caller supplied, in clear; every use is written to the audit log");
        group.MapMethods("/oauth-url", [HttpMethods.Get, HttpMethods.Post], OAuthUrlAsync).WithQuery("returnUrl", "path of this platform to which the browser goes afterwards")
            .Produces<OAuthUrlBody>().WithSummary("Where the caller's browser connects an account at the third party that the server trusts; no URL when none is needed");
        group.MapGet("/oauth", FindAsync).Produces<ConnectionView>().WithSummary("The caller's account for the server");
        group.MapDelete("/oauth", DisconnectAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Revoke and forget the caller's tokens; guards forget them within a second");
        group.MapGet("/oauth-credentials", ClientAsync).Produces<ThirdPartyClientView>().WithSummary("The OAuth client that was entered for the server, without its secret (whoever manages the server)");
        group.MapPost("/oauth-credentials", SetClientAsync).WithBody<ThirdPartyClient>().Produces<ThirdPartyClientView>()
            .WithSummary("Enter the OAuth client of a provider without registration (whoever manages the server)");
        group.MapDelete("/oauth-credentials", RemoveClientAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove it (whoever manages the server)");
    }

    private static async Task<IResult> DeconfigureAsync(HttpContext context, [FromServices] IMcpServers servers, [FromServices] PublicUrl publicUrl, string id) =>
        await servers.Deconfigure(context.Caller(), id, context.RequestAborted) is { } view ? Json(ServerBody.Of(view, publicUrl.Of(context))) : NotFound(id);

    private static async Task<IResult> RevealAsync(HttpContext context, [FromServices] IMcpServers servers, string id) =>
        await servers.Reveal(context.Caller(), id, context.RequestAborted) is { } values ? Json(values) : NotFound(id);

    private static async Task<IResult> OAuthUrlAsync(HttpContext context, [FromServices] IConnections connections, string id)
    {
        var returnPath = context.Request.Query["returnUrl"] is [{ Length: > 0 } path] ? path : null;
        return await connections.Connect(context.Caller(), id, returnPath, context.RequestAborted) switch
        {
            null => NotFound(id),
            { Fault: { } fault } => throw new ServerUnavailableException(fault),
            var outcome => Json(new OAuthUrlBody(outcome.Url ?? "")),
        };
    }

    private static async Task<IResult> FindAsync(HttpContext context, [FromServices] IConnections connections, string id) =>
        await connections.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : NotFound(id);

    private static async Task<IResult> DisconnectAsync(HttpContext context, [FromServices] IConnections connections, string id) =>
        await connections.Disconnect(context.Caller(), id, context.RequestAborted) switch
        {
            null => NotFound(id),
            true => Results.NoContent(),
            false => ManagementProblems.NotFound("connected account for server", id),
        };

    private static async Task<IResult> ClientAsync(HttpContext context, [FromServices] IThirdPartyClients clients, string id) =>
        await clients.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : NotFound(id);

    private static async Task<IResult> SetClientAsync(HttpContext context, [FromServices] IThirdPartyClients clients, string id)
    {
        var body = await RequestBody.ReadAsync<ThirdPartyClient>(context);
        return await clients.Set(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? Json(view) : NotFound(id);
    }

    private static async Task<IResult> RemoveClientAsync(HttpContext context, [FromServices] IThirdPartyClients clients, string id) =>
        await clients.Remove(context.Caller(), id, context.RequestAborted) switch
        {
            null => NotFound(id),
            true => Results.NoContent(),
            false => ManagementProblems.NotFound("OAuth client for server", id),
        };

    private static IResult NotFound(string id) => ManagementProblems.NotFound("MCP server", id);

    private static IResult Json<T>(T body) => Results.Json(body, ManagementJson.Options);

    /// <param name="OauthURL">Empty when the server needs no account. Good for one sign-in of this caller, in a browser where the caller is signed in.</param>
    internal sealed record OAuthUrlBody([property: System.Text.Json.Serialization.JsonPropertyName("oauthURL")] string OauthURL);
}
