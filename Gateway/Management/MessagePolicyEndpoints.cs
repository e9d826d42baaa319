using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary><c>/api/message-policies</c>.</summary>
internal static class MessagePolicyEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/message-policies").WithTags("message-policies");
        group.MapPost("", CreateAsync).WithBody<NewMessagePolicy>().Produces<MessagePolicyView>(StatusCodes.Status201Created).WithSummary("Make a message policy: patterns, secrets, personal data, or a rule in plain words that a small model judges");
        group.MapGet("", ListAsync).Produces<ListBody<MessagePolicyView>>().WithSummary("List message policies, oldest first");
        group.MapGet("/{id}", FindAsync).Produces<MessagePolicyView>().WithSummary("Get a message policy");
        group.MapPut("/{id}", UpdateAsync).WithBody<NewMessagePolicy>().Produces<MessagePolicyView>().WithSummary("Replace a message policy");
        group.MapDelete("/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove a message policy");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IMessagePolicies policies)
    {
        var body = await RequestBody.ReadAsync<NewMessagePolicy>(context);
        var view = await policies.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/message-policies/{view.Id}";
        return LlmJson.Answer(view, body.Warnings, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IMessagePolicies policies) =>
        LlmJson.Answer(new ListBody<MessagePolicyView>(await policies.List(context.Caller(), context.RequestAborted), null));

    private static async Task<IResult> FindAsync(HttpContext context, [FromServices] IMessagePolicies policies, string id) =>
        await policies.Find(context.Caller(), id, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NotFound(id);

    private static async Task<IResult> UpdateAsync(HttpContext context, [FromServices] IMessagePolicies policies, string id)
    {
        var body = await RequestBody.ReadAsync<NewMessagePolicy>(context);
        return await policies.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? LlmJson.Answer(view, body.Warnings) : NotFound(id);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, [FromServices] IMessagePolicies policies, string id) =>
        await policies.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("message policy", id);
}
