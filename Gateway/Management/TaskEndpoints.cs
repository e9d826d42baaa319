using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Tasks;

namespace Obot.Gateway.Management;

/// <summary><c>/api/tasks</c>.</summary>
internal sealed class TaskEndpoints(ITasks tasks)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/tasks").WithTags("tasks");
        group.MapPost("", (HttpContext context, TaskEndpoints self) => self.CreateAsync(context))
            .WithBody<TaskSettings>().Produces<TaskView>(StatusCodes.Status201Created).WithSummary("Make a task: a prompt that runs on demand or by a schedule");
        group.MapGet("", (HttpContext context, TaskEndpoints self) => self.ListAsync(context)).WithPaging().Produces<ListBody<TaskView>>().WithSummary("List your tasks, oldest first");
        group.MapGet("/{id}", async (HttpContext context, TaskEndpoints self, string id) =>
                await self.Tasks.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : NotFound(id))
            .Produces<TaskView>().WithSummary("Get a task");
        group.MapPut("/{id}", async (HttpContext context, TaskEndpoints self, string id) =>
                await self.Tasks.Update(context.Caller(), id, (await RequestBody.ReadAsync<TaskSettings>(context)).Value, context.RequestAborted) is { } view ? Json(view) : NotFound(id))
            .WithBody<TaskSettings>().Produces<TaskView>().WithSummary("Replace a task");
        group.MapDelete("/{id}", async (HttpContext context, TaskEndpoints self, string id) =>
                await self.Tasks.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a task; the threads of its runs stay");
        group.MapPost("/{id}/run", async (HttpContext context, TaskEndpoints self, string id) =>
                await self.Tasks.Run(context.Caller(), id, await RequestBody.ReadValuesAsync(context), context.RequestAborted) is { } run ? Json(run, StatusCodes.Status201Created) : NotFound(id))
            .WithBody<Dictionary<string, string>>().Produces<TaskRunView>(StatusCodes.Status201Created).WithSummary("Run a task now; the body holds values of its parameters");
        group.MapGet("/{id}/runs", (HttpContext context, TaskEndpoints self, string id) => self.RunsAsync(context, id))
            .WithPaging().Produces<ListBody<TaskRunView>>().WithSummary("The runs of a task, newest first");
    }

    private ITasks Tasks => tasks;

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var view = await tasks.Create(context.Caller(), (await RequestBody.ReadAsync<TaskSettings>(context)).Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/tasks/{view.Id}";
        return Json(view, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<TaskView>.Of(await tasks.List(context.Caller(), limit, cursor, context.RequestAborted), view => view));
    }

    private async Task<IResult> RunsAsync(HttpContext context, string id)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return await tasks.Runs(context.Caller(), id, limit, cursor, context.RequestAborted) is { } page ? Json(ListBody<TaskRunView>.Of(page, run => run)) : NotFound(id);
    }

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("task", id);
}
