using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Gateway.Management;

/// <summary>A filter; its secret is never shown.</summary>
internal sealed record FilterBody
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Kind { get; init; }
    public string? Url { get; init; }
    public required bool HasSecret { get; init; }
    public string? McpServerID { get; init; }
    public string? ToolName { get; init; }
    public required IReadOnlyList<RuleResource> Resources { get; init; }

    /// <summary>Absent: every message.</summary>
    public IReadOnlyList<FilterSelector>? Selectors { get; init; }
    public required IReadOnlyList<string> Sides { get; init; }
    public required bool AllowedToMutate { get; init; }
    public required bool Disabled { get; init; }
    public required int Order { get; init; }
    public required int TimeoutSeconds { get; init; }
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Unknown fields of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    public static FilterBody Of(FilterView view) => new()
    {
        Id = view.Id,
        Name = view.Name,
        Kind = view.Kind,
        Url = view.Url,
        HasSecret = view.HasSecret,
        McpServerID = view.McpServerID,
        ToolName = view.ToolName,
        Resources = view.Resources,
        Selectors = view.Selectors,
        Sides = view.Sides,
        AllowedToMutate = view.AllowedToMutate,
        Disabled = view.Disabled,
        Order = view.Order,
        TimeoutSeconds = view.TimeoutSeconds,
        CreatedBy = view.CreatedBy,
        Revision = view.Revision,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
    };
}

/// <summary><c>/api/mcp-webhook-validations</c>: filters, for administrators.</summary>
internal sealed class FilterEndpoints(IFilters filters)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/mcp-webhook-validations").WithTags("mcp-webhook-validations");
        group.MapPost("", (HttpContext context, FilterEndpoints self) => self.CreateAsync(context))
            .WithBody<NewFilter>().Produces<FilterBody>(StatusCodes.Status201Created).WithSummary("Make a filter; in force everywhere within a second");
        group.MapGet("", (HttpContext context, FilterEndpoints self) => self.ListAsync(context))
            .WithPaging().Produces<ListBody<FilterBody>>().WithSummary("List filters, oldest first");
        group.MapGet("/{id}", (HttpContext context, FilterEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<FilterBody>().WithSummary("Get a filter");
        group.MapPut("/{id}", (HttpContext context, FilterEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<NewFilter>().Produces<FilterBody>().WithSummary("Replace a filter, but for a secret that is not sent; in force everywhere within a second");
        group.MapDelete("/{id}", (HttpContext context, FilterEndpoints self, string id) => self.DeleteAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a filter");
        group.MapPost("/{id}/test", (HttpContext context, FilterEndpoints self, string id) => self.TestAsync(context, id))
            .WithBody<FilterTest>().Produces<FilterTestResult>().WithSummary("Send a sample message past a filter and see what it says");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewFilter>(context);
        var filter = await filters.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/mcp-webhook-validations/{filter.Id}";
        return Json(FilterBody.Of(filter) with { Warnings = Warnings(body) }, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<FilterBody>.Of(await filters.List(context.Caller(), limit, cursor, context.RequestAborted), FilterBody.Of));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await filters.Find(context.Caller(), id, context.RequestAborted) is { } filter ? Json(FilterBody.Of(filter)) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewFilter>(context);
        return await filters.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } filter
            ? Json(FilterBody.Of(filter) with { Warnings = Warnings(body) })
            : NotFound(id);
    }

    private async Task<IResult> DeleteAsync(HttpContext context, string id) =>
        await filters.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private async Task<IResult> TestAsync(HttpContext context, string id)
    {
        var sample = context.Request.ContentType is null ? new FilterTest() : (await RequestBody.ReadAsync<FilterTest>(context)).Value;
        return await filters.Test(context.Caller(), id, sample, context.RequestAborted) is { } result ? Json(result) : NotFound(id);
    }

    private static IReadOnlyList<string>? Warnings(RequestBody<NewFilter> body) => body.Warnings.Count == 0 ? null : body.Warnings;

    private static IResult NotFound(string id) => ManagementProblems.NotFound("filter", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
