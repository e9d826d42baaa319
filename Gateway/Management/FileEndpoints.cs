using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Net.Http.Headers;
using Obot.Grains.Abstractions.Files;

namespace Obot.Gateway.Management;

/// <summary><c>/api/projects/{id}/files</c> and <c>/api/threads/{id}/files</c>: contents as they are, streamed both ways.</summary>
internal sealed class FileEndpoints(IWorkspaceFiles files)
{
    public static void Map(RouteGroupBuilder api)
    {
        Map(api.MapGroup("/projects/{id}/files").WithTags("projects"), "project", FileScope.Project);
        Map(api.MapGroup("/threads/{id}/files").WithTags("threads"), "thread", FileScope.Thread);
    }

    private static void Map(RouteGroupBuilder group, string kind, Func<string, FileScope> scope)
    {
        group.MapGet("", (HttpContext context, FileEndpoints self, string id) => self.ListAsync(context, kind, id, scope(id)))
            .WithPaging().Produces<ListBody<WorkspaceFile>>().WithSummary($"List the files of a {kind}, oldest first");
        group.MapGet("/{**path}", (HttpContext context, FileEndpoints self, string id, string path) => self.ReadAsync(context, scope(id), path))
            .Produces(StatusCodes.Status200OK, contentType: "application/octet-stream").WithSummary("Download a file");
        group.MapPut("/{**path}", (HttpContext context, FileEndpoints self, string id, string path) => self.WriteAsync(context, kind, id, scope(id), path))
            .Accepts<byte[]>(isOptional: true, "*/*").Produces<WorkspaceFile>().WithSummary("Write a file: the request's body is its content");
        group.MapDelete("/{**path}", async (HttpContext context, FileEndpoints self, string id, string path) =>
                await self.Files.Delete(context.Caller(), scope(id), path, context.RequestAborted) ? Results.NoContent() : NotFound(path))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a file");
    }

    private IWorkspaceFiles Files => files;

    private async Task<IResult> ListAsync(HttpContext context, string kind, string id, FileScope scope)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return await files.List(context.Caller(), scope, limit, cursor, context.RequestAborted) is { } page
            ? Json(ListBody<WorkspaceFile>.Of(page, file => file))
            : ManagementProblems.NotFound(kind, id);
    }

    private async Task<IResult> WriteAsync(HttpContext context, string kind, string id, FileScope scope, string path)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = files.MaxFileBytes;
        }

        return await files.Write(context.Caller(), scope, path, context.Request.Body, context.RequestAborted) is { } file ? Json(file) : ManagementProblems.NotFound(kind, id);
    }

    private async Task<IResult> ReadAsync(HttpContext context, FileScope scope, string path)
    {
        if (await files.Open(context.Caller(), scope, path, context.RequestAborted) is not { } open)
        {
            return NotFound(path);
        }

        // whoever wrote it: a browser saves it, and where it shows it all the same, runs nothing of it
        var headers = context.Response.Headers;
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        headers.CacheControl = "private, no-cache";
        headers.ContentLength = open.File.Size;
        return Results.Stream(open.Content, open.File.ContentType, Path.GetFileName(open.File.Path), entityTag: new EntityTagHeaderValue($"\"{open.File.Sha256}\""));
    }

    private static IResult Json<T>(T body) => Results.Json(body, ManagementJson.Options);

    private static IResult NotFound(string path) => ManagementProblems.NotFound("file", path);
}
