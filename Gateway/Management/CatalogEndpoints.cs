using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Catalog;

namespace Obot.Gateway.Management;

/// <summary>A catalog and what its last synchronization found.</summary>
internal sealed record CatalogBody
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public required IReadOnlyList<string> SourceURLs { get; init; }

    /// <summary>Addresses that a credential is kept for; the credentials are never read back.</summary>
    public required IReadOnlyList<string> SourceURLsWithCredential { get; init; }
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Absent before the first one.</summary>
    public DateTimeOffset? LastSyncedAt { get; init; }
    public required int EntryCount { get; init; }

    /// <summary>Entries that their source has no more, kept because something was made from them.</summary>
    public required int RemovedEntryCount { get; init; }

    /// <summary>One item a source: commit, files, entries, and why it could not be read.</summary>
    public required IReadOnlyList<SourceReport> Sources { get; init; }

    /// <summary>Errors by file, line and field; at most 1,000.</summary>
    public required IReadOnlyList<EntryProblem> Errors { get; init; }

    /// <summary>Warnings likewise, and unknown fields of the request.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
    public required CatalogSyncBody LastSync { get; init; }

    public static CatalogBody Of(CatalogView view, IEnumerable<string>? warnings = null) => new()
    {
        Id = view.Id,
        DisplayName = view.DisplayName,
        SourceURLs = view.SourceURLs,
        SourceURLsWithCredential = view.SourceURLsWithCredential,
        CreatedBy = view.CreatedBy,
        Revision = view.Revision,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
        LastSyncedAt = view.LastSyncedAt,
        EntryCount = view.Entries,
        RemovedEntryCount = view.RemovedEntries,
        Sources = view.Report.Sources,
        Errors = [.. view.Report.Problems.Where(problem => !problem.Warning)],
        Warnings = [.. warnings ?? [], .. view.Report.Problems.Where(problem => problem.Warning).Select(problem => $"{problem.File}:{problem.Line}: {problem.Message}")],
        LastSync = new(view.Report.Added, view.Report.Changed, view.Report.Removed, view.Report.Errors, view.Report.Warnings, view.Report.Seconds),
    };
}

/// <summary>What the last synchronization did.</summary>
internal sealed record CatalogSyncBody(int Added, int Changed, int Removed, int Errors, int Warnings, double Seconds);

/// <summary><c>/api/mcp-catalogs</c>.</summary>
internal sealed class CatalogEndpoints(IMcpCatalogs catalogs)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-catalogs").WithTags("mcp-catalogs");
        group.MapPost("", (HttpContext context, CatalogEndpoints self) => self.CreateAsync(context))
            .WithBody<NewCatalog>().Produces<CatalogBody>(StatusCodes.Status201Created).WithSummary("Make a catalog of Git repositories and directories, and read them");
        group.MapGet("", (HttpContext context, CatalogEndpoints self) => self.ListAsync(context))
            .WithPaging().Produces<ListBody<CatalogBody>>().WithSummary("List catalogs, oldest first");
        group.MapGet("/{id}", (HttpContext context, CatalogEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<CatalogBody>().WithSummary("Get a catalog with the errors of its files");
        group.MapPut("/{id}", (HttpContext context, CatalogEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<NewCatalog>().Produces<CatalogBody>().WithSummary("Replace name and sources, and read them");
        group.MapDelete("/{id}", (HttpContext context, CatalogEndpoints self, string id) => self.DeleteAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a catalog; entries in use stay, marked as removed");
        group.MapPost("/{id}/refresh", (HttpContext context, CatalogEndpoints self, string id) => self.RefreshAsync(context, id))
            .Produces<CatalogBody>().WithSummary("Read the sources now");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewCatalog>(context);
        var view = await catalogs.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/mcp-catalogs/{view.Id}";
        return Json(CatalogBody.Of(view, body.Warnings), StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<CatalogBody>.Of(await catalogs.List(context.Caller(), limit, cursor, context.RequestAborted), view => CatalogBody.Of(view)));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await catalogs.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(CatalogBody.Of(view)) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewCatalog>(context);
        return await catalogs.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? Json(CatalogBody.Of(view, body.Warnings)) : NotFound(id);
    }

    private async Task<IResult> RefreshAsync(HttpContext context, string id) =>
        await catalogs.Refresh(context.Caller(), id, context.RequestAborted) is { } view ? Json(CatalogBody.Of(view)) : NotFound(id);

    private async Task<IResult> DeleteAsync(HttpContext context, string id) =>
        await catalogs.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("catalog", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
