using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary>What an import made, or would make.</summary>
internal sealed record ImportBody<T>(IReadOnlyList<T> Items, IReadOnlyList<string> Warnings);

/// <summary>
/// <c>POST …/import</c> of entries and servers. The body is what was copied: <c>server.json</c>, a client's block <c>mcpServers</c>, or manifests.
/// </summary>
internal sealed class ImportEndpoints(IManifestImport import, ICatalogEntries entries, IMcpServers servers, PublicUrl publicUrl)
{
    public static void Map(RouteGroupBuilder api)
    {
        api.MapPost("/mcp-catalog-entries/import", (HttpContext context, ImportEndpoints self) => self.EntriesAsync(context)).WithTags("mcp-catalog-entries")
            .WithQuery("catalogID", "catalog of the entries; without it, the catalog of own entries").WithQuery("dryRun", "true: only answer the manifests")
            .Produces<ImportBody<EntryBody>>(StatusCodes.Status201Created).WithSummary("Make entries of a server.json, or of the block mcpServers of a client's settings");
        api.MapPost("/mcp-servers/import", (HttpContext context, ImportEndpoints self) => self.ServersAsync(context)).WithTags("mcp-servers")
            .WithQuery("dryRun", "true: only answer the manifests")
            .Produces<ImportBody<ServerBody>>(StatusCodes.Status201Created).WithSummary("Make servers of your own of a server.json, or of the block mcpServers of a client's settings");
    }

    private async Task<IResult> EntriesAsync(HttpContext context)
    {
        var found = import.Read(await TextAsync(context));
        if (context.Flag("dryRun"))
        {
            return Json(new ImportBody<ServerManifest>(found.Manifests, found.Warnings), StatusCodes.Status200OK);
        }

        var catalogId = context.Request.Query["catalogID"].ToString() is { Length: > 0 } id ? id : null;
        var made = new List<EntryBody>();
        foreach (var manifest in found.Manifests)
        {
            made.Add(EntryBody.Of(await entries.Create(context.Caller(), catalogId, manifest, context.RequestAborted), publicUrl.Of(context)));
        }

        return Json(new ImportBody<EntryBody>(made, found.Warnings), StatusCodes.Status201Created);
    }

    private async Task<IResult> ServersAsync(HttpContext context)
    {
        var found = import.Read(await TextAsync(context));
        if (context.Flag("dryRun"))
        {
            return Json(new ImportBody<ServerManifest>(found.Manifests, found.Warnings), StatusCodes.Status200OK);
        }

        var made = new List<ServerBody>();
        foreach (var manifest in found.Manifests)
        {
            made.Add(ServerBody.Of(await servers.Create(context.Caller(), manifest, context.RequestAborted), publicUrl.Of(context)));
        }

        return Json(new ImportBody<ServerBody>(made, found.Warnings), StatusCodes.Status201Created);
    }

    /// <summary>As text: settings of editors are JSON with comments.</summary>
    private static async Task<string> TextAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
        {
            throw new InvalidInputException("Content-Type", "Send what you copied as 'application/json'.");
        }

        using var limited = new MemoryStream();
        var chunk = new byte[16 * 1024];
        int read;
        while ((read = await context.Request.Body.ReadAsync(chunk, context.RequestAborted)) > 0)
        {
            limited.Write(chunk, 0, read);
            if (limited.Length > RequestBody.MaxBytes)
            {
                throw new InvalidInputException("body", $"The body may have {RequestBody.MaxBytes} bytes at most.");
            }
        }

        return Encoding.UTF8.GetString(limited.ToArray());
    }

    private static IResult Json<T>(T body, int status) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
