using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary><c>/api/llm-audit-logs</c> and <c>/api/token-usage</c>.</summary>
internal static class LlmAuditEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var logs = api.MapGroup("/llm-audit-logs").WithTags("llm-audit-logs");
        logs.MapGet("", ListAsync).WithPaging().WithQuery("userID", "Whose").WithQuery("modelProvider", "Id of the provider").WithQuery("model", "Asked for, or used").WithQuery("operation", "chat, responses, embeddings, messages, count_tokens")
            .WithQuery("failed", "true or false").WithQuery("violated", "true: only calls that broke a message policy").WithQuery("startTime", "RFC 3339").WithQuery("endTime", "RFC 3339")
            .Produces<ListBody<LlmAuditEntry>>().WithSummary("List calls of models, newest first; others than administrators and auditors see their own");
        logs.MapGet("/{id}", FindAsync).Produces<LlmAuditEntry>().WithSummary("Get a call; bodies for auditors only");
        api.MapGet("/token-usage", UsageAsync).WithTags("token-usage").WithQuery("groupBy", $"Comma list of {string.Join(", ", TokenUsageQuery.Dimensions)}; user, model and day when left out")
            .WithQuery("userID", "Whose").WithQuery("groupID", "Members of this group").WithQuery("model", "The provider's name of the model").WithQuery("from", "First day, e.g. 2026-11-01; 30 days ago when left out").WithQuery("to", "Last day")
            .Produces<ListBody<TokenUsageRow>>().WithSummary("Tokens and cost, summed up; others than administrators and auditors see their own");
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] ILlmAudit audit)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var query = new LlmAuditQuery(Text(context, "userID"), Text(context, "modelProvider"), Text(context, "model"), Text(context, "operation"), Flag(context, "failed"), Flag(context, "violated"), Time(context, "startTime"), Time(context, "endTime"));
        return LlmJson.Answer(ListBody<LlmAuditEntry>.Of(await audit.List(context.Caller(), query, limit, cursor, context.RequestAborted), static entry => entry));
    }

    private static async Task<IResult> FindAsync(HttpContext context, [FromServices] ILlmAudit audit, string id) =>
        await audit.Find(context.Caller(), id, context.RequestAborted) is { } entry ? LlmJson.Answer(entry) : ManagementProblems.NotFound("audit record", id);

    private static async Task<IResult> UsageAsync(HttpContext context, [FromServices] ILlmAudit audit)
    {
        var dimensions = Text(context, "groupBy")?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? ["user", "model", "day"];
        var query = new TokenUsageQuery(dimensions, Text(context, "userID"), Text(context, "groupID"), Text(context, "model"), Day(context, "from"), Day(context, "to"));
        return LlmJson.Answer(new ListBody<TokenUsageRow>(await audit.Usage(context.Caller(), query, context.RequestAborted), null));
    }

    private static string? Text(HttpContext context, string name) => context.Request.Query[name].ToString() is { Length: > 0 } text ? text : null;

    private static bool? Flag(HttpContext context, string name) => Text(context, name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw new InvalidInputException(name, "Must be true or false."),
    };

    private static DateTimeOffset? Time(HttpContext context, string name) => Text(context, name) is not { } text
        ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time.ToUniversalTime()
            : throw new InvalidInputException(name, "Must be a time in RFC 3339, e.g. 2030-01-31T12:00:00Z.");

    private static DateOnly? Day(HttpContext context, string name) => Text(context, name) is not { } text
        ? null
        : DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw new InvalidInputException(name, "Must be a day, e.g. 2030-01-31.");
}
