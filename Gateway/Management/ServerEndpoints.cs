using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/mcp-servers</c>.</summary>
internal sealed class ServerEndpoints(IMcpServers servers, PublicUrl publicUrl, TimeProvider time)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-servers").WithTags("mcp-servers");
        group.MapPost("", (HttpContext context, ServerEndpoints self) => self.CreateAsync(context))
            .WithBody<NewServerBody>().Produces<ServerBody>(StatusCodes.Status201Created).WithSummary("Make a server from a manifest, or from a catalog entry");
        group.MapGet("", (HttpContext context, ServerEndpoints self) => self.ListAsync(context))
            .WithPaging().Produces<ListBody<ServerBody>>().WithSummary("List servers, oldest first");
        group.MapGet("/{id}", (HttpContext context, ServerEndpoints self, string id) => self.OneAsync(context, id, self.Servers.Find))
            .Produces<ServerBody>().WithSummary("Get a server");
        group.MapPut("/{id}", (HttpContext context, ServerEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<NewServerBody>().Produces<ServerBody>().WithSummary("Replace the manifest; running instances change over to it: the new generation comes up before the old one goes");
        group.MapDelete("/{id}", (HttpContext context, ServerEndpoints self, string id) => self.DeleteAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Stop all instances and remove the server");
        group.MapPost("/{id}/launch", (HttpContext context, ServerEndpoints self, string id) => self.OneAsync(context, id, self.Servers.Launch))
            .Produces<ServerBody>().WithSummary("Start the caller's instance; answers when it is Running or Failed");
        group.MapPost("/{id}/restart", (HttpContext context, ServerEndpoints self, string id) => self.OneAsync(context, id, self.Servers.Restart))
            .Produces<ServerBody>().WithSummary("Stop and start the caller's instance");
        group.MapPost("/{id}/stop", (HttpContext context, ServerEndpoints self, string id) => self.OneAsync(context, id, self.Servers.Stop))
            .Produces<ServerBody>().WithSummary("Stop the caller's instance; the next call starts it again");
        group.MapPost("/{id}/configure", (HttpContext context, ServerEndpoints self, string id) => self.ConfigureAsync(context, id))
            .WithBody<Dictionary<string, string>>().Produces<ServerBody>().WithSummary("Set values of env and headers for the caller's instance: {\"KEY\": \"value\"}");
        group.MapGet("/{id}/details", (HttpContext context, ServerEndpoints self, string id) => self.DetailsAsync(context, id))
            .Produces<DeploymentBody>().WithSummary("The deployment of the caller's instance, and where it differs from the manifest");
        group.MapPost("/{id}/trigger-update", (HttpContext context, ServerEndpoints self, string id) => self.OneAsync(context, id, self.Servers.TriggerUpdate))
            .Produces<ServerBody>().WithSummary("Move a running instance to the manifest as it is: the new generation comes up before the old one goes");
        group.MapGet("/{id}/events", (HttpContext context, ServerEndpoints self, string id) => self.EventsAsync(context, id))
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream").WithSummary("The state of the caller's instance and every change of it, as events");
        group.MapGet("/{id}/tools", (HttpContext context, ServerEndpoints self, string id) => self.ToolsAsync(context, id))
            .Produces<ListBody<ToolBody>>().WithSummary("The tools as the server lists them; starts a sleeping server");
        group.MapGet("/{id}/logs", (HttpContext context, ServerEndpoints self, string id) => self.LogsAsync(context, id))
            .WithQuery("follow", "true: goes on with every later line").Produces<string>(StatusCodes.Status200OK, "text/plain", "text/event-stream")
            .WithSummary("The last 1,000 lines of the caller's instance");
    }

    private IMcpServers Servers => servers;

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewServerBody>(context);
        var view = body.Value is { Manifest: null, CatalogEntryID: { } entryId }
            ? await context.RequestServices.GetRequiredService<IEntryServers>().Deploy(context.Caller(), entryId, context.RequestAborted)
                ?? throw new InvalidInputException("catalogEntryID", $"There is no catalog entry '{entryId}', or you may not see it.")
            : await servers.Create(context.Caller(), Manifest(body.Value), context.RequestAborted);
        context.Response.Headers.Location = $"/api/mcp-servers/{view.Id}";
        return Json(ServerBody.Of(view, publicUrl.Of(context), body.Warnings), StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var url = publicUrl.Of(context);
        return Json(ListBody<ServerBody>.Of(await servers.List(context.Caller(), limit, cursor, context.RequestAborted), view => ServerBody.Of(view, url)));
    }

    private async Task<IResult> OneAsync(HttpContext context, string id, Func<Principal, string, CancellationToken, Task<McpServerView?>> act) =>
        await act(context.Caller(), id, context.RequestAborted) is { } view ? Json(ServerBody.Of(view, publicUrl.Of(context))) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewServerBody>(context);
        var view = await servers.Update(context.Caller(), id, Manifest(body.Value), context.RequestAborted);
        return view is null ? NotFound(id) : Json(ServerBody.Of(view, publicUrl.Of(context), body.Warnings));
    }

    private async Task<IResult> DeleteAsync(HttpContext context, string id) =>
        await servers.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private async Task<IResult> ConfigureAsync(HttpContext context, string id)
    {
        var values = await RequestBody.ReadValuesAsync(context);
        var view = await servers.Configure(context.Caller(), id, values, context.RequestAborted);
        return view is null ? NotFound(id) : Json(ServerBody.Of(view, publicUrl.Of(context)));
    }

    private async Task<IResult> DetailsAsync(HttpContext context, string id) =>
        await servers.Details(context.Caller(), id, context.RequestAborted) is { } details ? Json(DeploymentBody.Of(details)) : NotFound(id);

    private async Task<IResult> EventsAsync(HttpContext context, string id) =>
        await servers.Find(context.Caller(), id, context.RequestAborted) is null
            ? NotFound(id)
            : new EventStream<ServerEvent>(servers.Events(context.Caller(), id, context.RequestAborted), ServerEventBody.Write, time);

    private async Task<IResult> ToolsAsync(HttpContext context, string id) =>
        await servers.Tools(context.Caller(), id, context.RequestAborted) is { } tools
            ? Json(new ListBody<ToolBody>([.. tools.Select(tool => new ToolBody(tool.Name, tool.Description, tool.InputSchema))], null))
            : NotFound(id);

    private async Task<IResult> LogsAsync(HttpContext context, string id)
    {
        var follow = context.Request.Query["follow"].ToString() switch
        {
            "" or "false" => false,
            "true" => true,
            var other => throw new InvalidInputException("follow", $"'{other}' is not allowed. Allowed: 'true', 'false' (default)."),
        };
        if (await servers.Details(context.Caller(), id, context.RequestAborted) is null)
        {
            return NotFound(id);
        }

        return new LogStream(servers.Logs(context.Caller(), id, follow, context.RequestAborted), time);
    }

    private static ServerManifest Manifest(NewServerBody body) => body switch
    {
        { Manifest: not null, CatalogEntryID: not null } => throw new InvalidInputException("catalogEntryID", "Send either 'manifest' or 'catalogEntryID'."),
        { Manifest: { } manifest } => manifest,
        { CatalogEntryID: not null } => throw new InvalidInputException("catalogEntryID", "A server is made from an entry once; to bring it to what the entry says now, POST …/apply-entry. Send 'manifest'."),
        _ => throw new InvalidInputException("manifest", "Required: an object with at least 'name', 'runtime' and the runtime's block, e.g. 'npxConfig'."),
    };

    private static IResult NotFound(string id) => ManagementProblems.NotFound("MCP server", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
