using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Exports;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/audit-log-exports</c> and <c>/api/scheduled-audit-log-exports</c>.</summary>
internal sealed class ExportEndpoints(IExports exports)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/audit-log-exports").WithTags("audit-log-exports");
        group.MapPost("", (HttpContext context, ExportEndpoints self) => self.CreateAsync(context))
            .WithBody<NewExport>().Produces<ExportView>(StatusCodes.Status201Created).WithSummary("Export records of the audit log; begins at once");
        group.MapGet("", (HttpContext context, ExportEndpoints self) => self.ListAsync(context)).WithPaging().Produces<ListBody<ExportView>>().WithSummary("List exports, newest first");
        group.MapGet("/{id}", (HttpContext context, ExportEndpoints self, string id) => self.OneAsync(context, id, self.Exports.Find)).Produces<ExportView>().WithSummary("How far an export is");
        group.MapPost("/{id}/retry", (HttpContext context, ExportEndpoints self, string id) => self.OneAsync(context, id, self.Exports.Retry))
            .Produces<ExportView>().WithSummary("Go on behind the last object that was written");
        group.MapPost("/{id}/cancel", (HttpContext context, ExportEndpoints self, string id) => self.OneAsync(context, id, self.Exports.Cancel))
            .Produces<ExportView>().WithSummary("Stop an export; what is written stays");
        group.MapDelete("/{id}", async (HttpContext context, ExportEndpoints self, string id) =>
                await self.Exports.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound("export", id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Stop and forget an export; what is written stays");

        var scheduled = api.MapGroup("/scheduled-audit-log-exports").WithTags("scheduled-audit-log-exports");
        scheduled.MapPost("", (HttpContext context, ExportEndpoints self) => self.CreateScheduleAsync(context))
            .WithBody<NewExportSchedule>().Produces<ExportScheduleView>(StatusCodes.Status201Created).WithSummary("Export every hour, day, week or month");
        scheduled.MapGet("", async (HttpContext context, ExportEndpoints self) =>
                Json(new ListBody<ExportScheduleView>([.. await self.Exports.Schedules(context.Caller(), context.RequestAborted)], null)))
            .Produces<ListBody<ExportScheduleView>>().WithSummary("List schedules, oldest first");
        scheduled.MapGet("/{id}", async (HttpContext context, ExportEndpoints self, string id) =>
                (await self.Exports.Schedules(context.Caller(), context.RequestAborted)).FirstOrDefault(view => view.Id == id) is { } view ? Json(view) : ManagementProblems.NotFound("schedule", id))
            .Produces<ExportScheduleView>().WithSummary("Get a schedule");
        scheduled.MapPut("/{id}", (HttpContext context, ExportEndpoints self, string id) => self.UpdateScheduleAsync(context, id))
            .WithBody<NewExportSchedule>().Produces<ExportScheduleView>().WithSummary("Replace a schedule; exports are its changer's from then on");
        scheduled.MapDelete("/{id}", async (HttpContext context, ExportEndpoints self, string id) =>
                await self.Exports.DeleteSchedule(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound("schedule", id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Remove a schedule; its exports stay");
    }

    private IExports Exports => exports;

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var view = await exports.Create(context.Caller(), (await RequestBody.ReadAsync<NewExport>(context)).Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/audit-log-exports/{view.Id}";
        return Json(view, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<ExportView>.Of(await exports.List(context.Caller(), limit, cursor, context.RequestAborted), view => view));
    }

    private async Task<IResult> OneAsync(HttpContext context, string id, Func<Principal, string, CancellationToken, Task<ExportView?>> act) =>
        await act(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : ManagementProblems.NotFound("export", id);

    private async Task<IResult> CreateScheduleAsync(HttpContext context)
    {
        var view = await exports.CreateSchedule(context.Caller(), (await RequestBody.ReadAsync<NewExportSchedule>(context)).Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/scheduled-audit-log-exports/{view.Id}";
        return Json(view, StatusCodes.Status201Created);
    }

    private async Task<IResult> UpdateScheduleAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewExportSchedule>(context);
        return await exports.UpdateSchedule(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? Json(view) : ManagementProblems.NotFound("schedule", id);
    }

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
