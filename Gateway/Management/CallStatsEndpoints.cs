using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Audit;

namespace Obot.Gateway.Management;

/// <summary><c>/api/mcp-stats</c>: how servers are used.</summary>
internal static class CallStatsEndpoints
{
    public static void Map(RouteGroupBuilder api) => api.MapGet("/mcp-stats", async (HttpContext context, [FromServices] ICallStats stats) =>
        {
            var query = new StatsQuery
            {
                McpServerId = context.Request.Query["mcpServerID"].ToString(),
                UserId = context.Request.Query["userID"].ToString(),
                StartTime = AuditLogEndpoints.Time(context, "startTime"),
                EndTime = AuditLogEndpoints.Time(context, "endTime"),
            };
            return Results.Json(CallStatsBody.Of(await stats.Read(context.Caller(), query, context.RequestAborted)), ManagementJson.Options);
        })
        .WithTags("mcp-stats").WithQuery("mcpServerID", "Calls of this server").WithQuery("userID", "Calls of this user")
        .WithQuery("startTime", "From, inclusive (RFC 3339); a day before endTime by default").WithQuery("endTime", "To, exclusive (RFC 3339); now by default")
        .Produces<CallStatsBody>().WithSummary("Calls, errors, users and durations by server, tool and period; the last day by default");
}

/// <param name="Items">By server, most calls first.</param>
/// <param name="Tools">By tool, most calls first.</param>
/// <param name="Periods">Hours, or days where the time is longer than three.</param>
internal sealed record CallStatsBody(
    DateTimeOffset StartTime,
    DateTimeOffset EndTime,
    long Calls,
    long Errors,
    long Users,
    double? P50Ms,
    double? P95Ms,
    IReadOnlyList<ServerStatsBody> Items,
    IReadOnlyList<ToolStatsBody> Tools,
    IReadOnlyList<PeriodStatsBody> Periods)
{
    public static CallStatsBody Of(CallStats stats) => new(
        stats.StartTime,
        stats.EndTime,
        stats.Total.Calls,
        stats.Total.Errors,
        stats.Total.Users,
        stats.Total.P50Ms,
        stats.Total.P95Ms,
        [.. stats.Servers.Select(one => new ServerStatsBody(one.McpServerId, one.Name, one.Figures.Calls, one.Figures.Errors, one.Figures.Users, one.Figures.P50Ms, one.Figures.P95Ms, Of(stats.Tools.Where(tool => tool.McpServerId == one.McpServerId))))],
        Of(stats.Tools),
        [.. stats.Periods.Select(one => new PeriodStatsBody(one.Start, one.Figures.Calls, one.Figures.Errors, one.Figures.Users, one.Figures.P50Ms, one.Figures.P95Ms))]);

    private static IReadOnlyList<ToolStatsBody> Of(IEnumerable<ToolFigures> tools) =>
        [.. tools.Select(tool => new ToolStatsBody(tool.McpServerId, tool.ServerName, tool.Tool, tool.Figures.Calls, tool.Figures.Errors, tool.Figures.Users, tool.Figures.P50Ms, tool.Figures.P95Ms))];
}

/// <param name="TopTools">Those of the server that are among the most called of all.</param>
internal sealed record ServerStatsBody(string McpServerID, string? McpServerName, long Calls, long Errors, long Users, double? P50Ms, double? P95Ms, IReadOnlyList<ToolStatsBody> TopTools);

internal sealed record ToolStatsBody(string McpServerID, string? McpServerName, string Tool, long Calls, long Errors, long Users, double? P50Ms, double? P95Ms);

internal sealed record PeriodStatsBody(DateTimeOffset StartTime, long Calls, long Errors, long Users, double? P50Ms, double? P95Ms);
