using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Gateway.Management;

/// <summary><c>/api/mcp-catalog-entries</c>: what the catalogs offer the caller.</summary>
internal sealed class CatalogEntryEndpoints(ICatalogEntries entries, PublicUrl publicUrl)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-catalog-entries").WithTags("mcp-catalog-entries");
        group.MapPost("", (HttpContext context, CatalogEntryEndpoints self) => self.CreateAsync(context))
            .WithBody<NewEntryBody>().Produces<EntryBody>(StatusCodes.Status201Created).WithSummary("Make an entry by hand");
        group.MapGet("", (HttpContext context, CatalogEntryEndpoints self) => self.ListAsync(context))
            .WithPaging().WithQuery("search", "words of name and descriptions, or a part of the name; by relevance").WithQuery("catalogID", "of one catalog").WithQuery("category", "of one category")
            .WithQuery("runtime", "of one runtime").WithQuery("includeRemoved", "true: also those that their source has no more")
            .Produces<ListBody<EntryBody>>().WithSummary("List entries by name, or by relevance of a search");
        group.MapGet("/categories", (HttpContext context, CatalogEntryEndpoints self) => self.CategoriesAsync(context))
            .Produces<ListBody<string>>().WithSummary("Categories of the entries that the caller sees");
        group.MapGet("/{id}", (HttpContext context, CatalogEntryEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<EntryBody>().WithSummary("Get an entry");
        group.MapPut("/{id}", (HttpContext context, CatalogEntryEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<NewEntryBody>().Produces<EntryBody>().WithSummary("Replace the manifest of an entry that no source manages");
        group.MapDelete("/{id}", (HttpContext context, CatalogEntryEndpoints self, string id) => self.DeleteAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove an entry that no source manages, or one that its source has no more");
        group.MapPost("/{id}/preview-tools", (HttpContext context, CatalogEntryEndpoints self, string id) => self.PreviewAsync(context, id))
            .WithBody<Dictionary<string, string>>().Produces<EntryBody>().WithSummary("Start the entry once, with the given values, and keep the list of its tools");
        group.MapGet("/{id}/icon", (HttpContext context, CatalogEntryEndpoints self, string id) => self.IconAsync(context, id))
            .Produces<byte[]>(StatusCodes.Status200OK, "image/png").WithSummary("The icon, fetched by the platform");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewEntryBody>(context);
        var view = await entries.Create(context.Caller(), body.Value.CatalogID, Manifest(body.Value), context.RequestAborted);
        context.Response.Headers.Location = $"/api/mcp-catalog-entries/{view.Id}";
        return Json(EntryBody.Of(view, publicUrl.Of(context), body.Warnings), StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var url = publicUrl.Of(context);
        var page = await entries.List(
            context.Caller(), new(Text("catalogID"), Text("category"), Text("runtime"), Text("search"), context.Flag("includeRemoved")), limit, cursor, context.RequestAborted);
        return Json(ListBody<EntryBody>.Of(page, view => EntryBody.Of(view, url)));

        string? Text(string name) => context.Request.Query[name].ToString() is { Length: > 0 } text
            ? text.Length <= 200 && !text.Any(char.IsControl) ? text : throw new InvalidInputException(name, "Must be a text of at most 200 characters without control characters.")
            : null;
    }

    private async Task<IResult> CategoriesAsync(HttpContext context) =>
        Json(new ListBody<string>(await entries.Categories(context.Caller(), context.RequestAborted), null));

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await entries.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(EntryBody.Of(view, publicUrl.Of(context))) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewEntryBody>(context);
        return await entries.Update(context.Caller(), id, Manifest(body.Value), context.RequestAborted) is { } view
            ? Json(EntryBody.Of(view, publicUrl.Of(context), body.Warnings))
            : NotFound(id);
    }

    private async Task<IResult> DeleteAsync(HttpContext context, string id) =>
        await entries.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private async Task<IResult> PreviewAsync(HttpContext context, string id)
    {
        var values = context.Request.ContentLength is null or 0 && !context.Request.HasJsonContentType()
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : await RequestBody.ReadValuesAsync(context);
        return await entries.PreviewTools(context.Caller(), id, values, context.RequestAborted) is { } view ? Json(EntryBody.Of(view, publicUrl.Of(context))) : NotFound(id);
    }

    /// <summary>A picture and nothing else: one that carries a script (SVG) runs it nowhere.</summary>
    private async Task<IResult> IconAsync(HttpContext context, string id)
    {
        if (await entries.Icon(context.Caller(), id, context.RequestAborted) is not { } icon)
        {
            return NotFound(id);
        }

        context.Response.Headers.CacheControl = "private, max-age=86400";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
        return Results.Bytes(icon.Bytes, icon.ContentType);
    }

    private static ServerManifest Manifest(NewEntryBody body) =>
        body.Manifest ?? throw new InvalidInputException("manifest", "Required: an object with at least 'name', 'runtime' and the runtime's block, e.g. 'npxConfig'.");

    private static IResult NotFound(string id) => ManagementProblems.NotFound("catalog entry", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
