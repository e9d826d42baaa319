using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Policies;

namespace Obot.Gateway.Management;

/// <summary>An access rule.</summary>
internal sealed record AccessRuleBody
{
    public required string Id { get; init; }
    public required string DisplayName { get; init; }
    public required IReadOnlyList<RuleSubject> Subjects { get; init; }
    public required IReadOnlyList<RuleResource> Resources { get; init; }

    /// <summary>Absent: all tools, prompts and resources.</summary>
    public IReadOnlyList<string>? Tools { get; init; }
    public required string CreatedBy { get; init; }
    public required long Revision { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Unknown fields of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    public static AccessRuleBody Of(AccessRuleView view) => new()
    {
        Id = view.Id,
        DisplayName = view.DisplayName,
        Subjects = view.Subjects,
        Resources = view.Resources,
        Tools = view.Tools,
        CreatedBy = view.CreatedBy,
        Revision = view.Revision,
        CreatedAt = view.CreatedAt,
        UpdatedAt = view.UpdatedAt,
    };
}

/// <summary><c>/api/access-control-rules</c>: the rules that the caller manages.</summary>
internal sealed class AccessRuleEndpoints(IAccessRules rules)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/access-control-rules").WithTags("access-control-rules");
        group.MapPost("", (HttpContext context, AccessRuleEndpoints self) => self.CreateAsync(context))
            .WithBody<NewAccessRule>().Produces<AccessRuleBody>(StatusCodes.Status201Created).WithSummary("Make an access rule; in force everywhere within a second");
        group.MapGet("", (HttpContext context, AccessRuleEndpoints self) => self.ListAsync(context))
            .WithPaging().Produces<ListBody<AccessRuleBody>>().WithSummary("List access rules, oldest first");
        group.MapGet("/{id}", (HttpContext context, AccessRuleEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<AccessRuleBody>().WithSummary("Get an access rule");
        group.MapPut("/{id}", (HttpContext context, AccessRuleEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<NewAccessRule>().Produces<AccessRuleBody>().WithSummary("Replace an access rule; in force everywhere within a second");
        group.MapDelete("/{id}", (HttpContext context, AccessRuleEndpoints self, string id) => self.DeleteAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove an access rule; what only it allowed is refused everywhere within a second");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewAccessRule>(context);
        var rule = await rules.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/access-control-rules/{rule.Id}";
        return Json(AccessRuleBody.Of(rule) with { Warnings = Warnings(body) }, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<AccessRuleBody>.Of(await rules.List(context.Caller(), limit, cursor, context.RequestAborted), AccessRuleBody.Of));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await rules.Find(context.Caller(), id, context.RequestAborted) is { } rule ? Json(AccessRuleBody.Of(rule)) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewAccessRule>(context);
        return await rules.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } rule
            ? Json(AccessRuleBody.Of(rule) with { Warnings = Warnings(body) })
            : NotFound(id);
    }

    private async Task<IResult> DeleteAsync(HttpContext context, string id) =>
        await rules.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private static IReadOnlyList<string>? Warnings(RequestBody<NewAccessRule> body) => body.Warnings.Count == 0 ? null : body.Warnings;

    private static IResult NotFound(string id) => ManagementProblems.NotFound("access rule", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
