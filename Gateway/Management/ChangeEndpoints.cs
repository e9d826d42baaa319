using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Changes;

namespace Obot.Gateway.Management;

/// <summary>One change.</summary>
/// <param name="UserID">A user's id; <c>sync</c> for what a catalog's synchronization did.</param>
internal sealed record ChangeBody(string Id, DateTimeOffset At, string UserID, string? UserName, string Kind, string SubjectID, string SubjectName, string Action, JsonElement? Details);

/// <summary><c>/api/changes</c>: who changed what.</summary>
internal sealed class ChangeEndpoints(IChangeLog changes)
{
    public static void Map(RouteGroupBuilder api) => api.MapGet("/changes", (HttpContext context, ChangeEndpoints self) => self.ListAsync(context))
        .WithTags("changes").WithPaging().WithQuery("kind", "collection of the thing, e.g. mcp-servers").WithQuery("subjectID", "id of the thing").WithQuery("userID", "who did it")
        .Produces<ListBody<ChangeBody>>().WithSummary("Who changed what, newest first");

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var page = await changes.List(context.Caller(), new(Text("kind"), Text("subjectID"), Text("userID")), limit, cursor, context.RequestAborted);
        return Results.Json(
            ListBody<ChangeBody>.Of(page, view => new(view.Id, view.At, view.UserId, view.UserName, view.Kind, view.SubjectId, view.SubjectName, view.Action, view.Details)), ManagementJson.Options);

        string? Text(string name) => context.Request.Query[name].ToString() is { Length: > 0 } text ? text.Replace("\0", "", StringComparison.Ordinal) : null;
    }
}
