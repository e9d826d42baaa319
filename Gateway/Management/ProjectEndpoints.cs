using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Projects;

namespace Obot.Gateway.Management;

/// <summary><c>/api/projects</c>.</summary>
internal sealed class ProjectEndpoints(IProjects projects)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/projects").WithTags("projects");
        group.MapPost("", (HttpContext context, ProjectEndpoints self) => self.CreateAsync(context))
            .WithBody<ProjectSettings>().Produces<ProjectView>(StatusCodes.Status201Created).WithSummary("Make a project");
        group.MapGet("", (HttpContext context, ProjectEndpoints self) => self.ListAsync(context))
            .WithPaging().Produces<ListBody<ProjectView>>().WithSummary("List your projects and those that are shared with you, oldest first");
        group.MapGet("/default", async (HttpContext context, ProjectEndpoints self) => Json(await self.Projects.Default(context.Caller(), context.RequestAborted)))
            .Produces<ProjectView>().WithSummary("Your own project; made when it is asked for first");
        group.MapGet("/{id}", (HttpContext context, ProjectEndpoints self, string id) => self.OneAsync(context, id, self.Projects.Find)).Produces<ProjectView>().WithSummary("Get a project");
        group.MapPut("/{id}", (HttpContext context, ProjectEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<ProjectSettings>().Produces<ProjectView>().WithSummary("Replace a project's settings");
        group.MapDelete("/{id}", async (HttpContext context, ProjectEndpoints self, string id) =>
                await self.Projects.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a project with its threads");
        group.MapPost("/{id}/copy", (HttpContext context, ProjectEndpoints self, string id) => self.OneAsync(context, id, self.Projects.Copy))
            .Produces<ProjectView>().WithSummary("Make a project of your own from a template");
        group.MapGet("/{id}/members", async (HttpContext context, ProjectEndpoints self, string id) =>
                await self.Projects.Members(context.Caller(), id, context.RequestAborted) is { } members ? Json(new ListBody<ProjectMember>(members, null)) : NotFound(id))
            .Produces<ListBody<ProjectMember>>().WithSummary("Who else may use a project");
        group.MapPut("/{id}/members", (HttpContext context, ProjectEndpoints self, string id) => self.ShareAsync(context, id))
            .WithBody<MembersBody>().Produces<ListBody<ProjectMember>>().WithSummary("Say who else may use a project (its owner)");
        group.MapGet("/{id}/approvals", async (HttpContext context, ProjectEndpoints self, string id) =>
                await self.Projects.Approvals(context.Caller(), id, context.RequestAborted) is { } approvals ? Json(approvals) : NotFound(id))
            .Produces<IReadOnlyDictionary<string, string>>().WithSummary("Your tools that are not asked for each time: {serverId}/{tool} → always or never");
        group.MapPut("/{id}/approvals", (HttpContext context, ProjectEndpoints self, string id) => self.ApproveAsync(context, id))
            .WithBody<ApprovalBody>().Produces(StatusCodes.Status204NoContent).WithSummary("Allow or refuse a tool once for all; without 'approval' it is asked for again");
    }

    private IProjects Projects => projects;

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var view = await projects.Create(context.Caller(), (await RequestBody.ReadAsync<ProjectSettings>(context)).Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/projects/{view.Id}";
        return Json(view, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<ProjectView>.Of(await projects.List(context.Caller(), limit, cursor, context.RequestAborted), view => view));
    }

    private async Task<IResult> OneAsync(HttpContext context, string id, Func<Principal, string, CancellationToken, Task<ProjectView?>> act) =>
        await act(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : NotFound(id);

    private async Task<IResult> UpdateAsync(HttpContext context, string id) =>
        await projects.Update(context.Caller(), id, (await RequestBody.ReadAsync<ProjectSettings>(context)).Value, context.RequestAborted) is { } view ? Json(view) : NotFound(id);

    private async Task<IResult> ShareAsync(HttpContext context, string id)
    {
        var members = (await RequestBody.ReadAsync<MembersBody>(context)).Value.Members ?? throw new InvalidInputException("members", "Required: a list of {userId, access}.");
        return await projects.Share(context.Caller(), id, members, context.RequestAborted) is { } now ? Json(new ListBody<ProjectMember>(now, null)) : NotFound(id);
    }

    private async Task<IResult> ApproveAsync(HttpContext context, string id)
    {
        var body = (await RequestBody.ReadAsync<ApprovalBody>(context)).Value;
        return await projects.SetApproval(context.Caller(), id, body.Tool ?? "", body.Approval, context.RequestAborted) ? Results.NoContent() : NotFound(id);
    }

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("project", id);
}

internal sealed record MembersBody(IReadOnlyList<ProjectMember>? Members);

/// <param name="Tool"><c>{serverId}/{tool}</c>.</param>
/// <param name="Approval"><c>always</c>, <c>never</c>, or absent.</param>
internal sealed record ApprovalBody(string? Tool, string? Approval);
