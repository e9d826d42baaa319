using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/groups</c>.</summary>
internal sealed class GroupEndpoints(IGroups groups)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/groups").WithTags("groups");
        group.MapPost("", (HttpContext context, GroupEndpoints self) => self.CreateAsync(context))
            .WithBody<NewGroupBody>().Produces<GroupBody>(StatusCodes.Status201Created).WithSummary("Make a group that is kept by hand (administrators)");
        group.MapGet("", (HttpContext context, GroupEndpoints self) => self.ListAsync(context))
            .WithQuery("query", "Part of the name, or an id").WithPaging().Produces<ListBody<GroupBody>>().WithSummary("List groups, oldest first (administrators)");
        group.MapGet("/{id}", (HttpContext context, GroupEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<GroupBody>().WithSummary("Get a group (administrators)");
        group.MapDelete("/{id}", (HttpContext context, GroupEndpoints self, string id) => self.RemoveAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status409Conflict).WithSummary("Remove a group that is kept by hand (administrators)");
        group.MapGet("/{id}/members", (HttpContext context, GroupEndpoints self, string id) => self.MembersAsync(context, id))
            .WithPaging().Produces<ListBody<GroupMemberBody>>().WithSummary("List the members of a group (administrators)");
        group.MapPut("/{id}/members/{userId}", (HttpContext context, GroupEndpoints self, string id, string userId) => self.ChangeAsync(context, id, userId, groups => groups.AddMember))
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Put a user into a group that is kept by hand; known everywhere within a second (administrators)");
        group.MapDelete("/{id}/members/{userId}", (HttpContext context, GroupEndpoints self, string id, string userId) => self.ChangeAsync(context, id, userId, groups => groups.RemoveMember))
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Take a user out of a group that is kept by hand; known everywhere within a second (administrators)");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewGroupBody>(context);
        var view = await groups.Create(context.Caller(), body.Value.Name ?? "", context.RequestAborted);
        context.Response.Headers.Location = $"/api/groups/{view.Id}";
        return Json(GroupBody.Of(view) with { Warnings = body.Warnings.Count == 0 ? null : body.Warnings }, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<GroupBody>.Of(await groups.List(context.Caller(), context.Request.Query["query"].ToString(), limit, cursor, context.RequestAborted), GroupBody.Of));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await groups.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(GroupBody.Of(view)) : NotFound(id);

    private async Task<IResult> RemoveAsync(HttpContext context, string id) =>
        await groups.Remove(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private async Task<IResult> MembersAsync(HttpContext context, string id)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return await groups.Members(context.Caller(), id, limit, cursor, context.RequestAborted) is { } page
            ? Json(ListBody<GroupMemberBody>.Of(page, GroupMemberBody.Of))
            : NotFound(id);
    }

    private async Task<IResult> ChangeAsync(
        HttpContext context, string id, string userId, Func<IGroups, Func<Principal, string, string, CancellationToken, Task<MemberChange>>> change) =>
        await change(groups)(context.Caller(), id, userId, context.RequestAborted) switch
        {
            MemberChange.NoSuchGroup => NotFound(id),
            MemberChange.NoSuchUser => ManagementProblems.NotFound("user", userId),
            _ => Results.NoContent(),
        };

    private static IResult NotFound(string id) => ManagementProblems.NotFound("group", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
