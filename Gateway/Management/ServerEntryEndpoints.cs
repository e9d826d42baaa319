using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Gateway.Management;

/// <summary>What ties a server to the catalog entry it was made from: <c>/api/mcp-servers/{id}/drift</c> and <c>…/apply-entry</c>.</summary>
internal sealed class ServerEntryEndpoints(IEntryServers servers, PublicUrl publicUrl)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-servers").WithTags("mcp-servers");
        group.MapGet("/{id}/drift", (HttpContext context, ServerEntryEndpoints self, string id) => self.DriftAsync(context, id))
            .Produces<DriftBody>().WithSummary("How the server differs from its catalog entry");
        group.MapPost("/{id}/apply-entry", (HttpContext context, ServerEntryEndpoints self, string id) => self.ApplyAsync(context, id))
            .Produces<ServerBody>().WithSummary("Bring the server to what its catalog entry says now");
    }

    private async Task<IResult> DriftAsync(HttpContext context, string id) =>
        await servers.Drift(context.Caller(), id, context.RequestAborted) is { } drift ? Results.Json(DriftBody.Of(drift), ManagementJson.Options) : NotFound(id);

    private async Task<IResult> ApplyAsync(HttpContext context, string id) =>
        await servers.Apply(context.Caller(), id, context.RequestAborted) is { } view
            ? Results.Json(ServerBody.Of(view, publicUrl.Of(context)), ManagementJson.Options)
            : NotFound(id);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("MCP server made from a catalog entry", id);
}
