using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Conversations;

namespace Obot.Gateway.Management;

/// <summary><c>/api/threads</c>: conversations, for programs that do what the page does.</summary>
internal sealed class ThreadEndpoints(IConversations conversations, TimeProvider time)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/threads").WithTags("threads");
        group.MapPost("", (HttpContext context, ThreadEndpoints self) => self.CreateAsync(context))
            .WithBody<NewConversation>().Produces<ConversationView>(StatusCodes.Status201Created).WithSummary("Begin a thread");
        group.MapGet("", (HttpContext context, ThreadEndpoints self) => self.ListAsync(context))
            .WithQuery("projectId", "Only threads of this project").WithQuery("search", "Words of the title").WithPaging()
            .Produces<ListBody<ConversationView>>().WithSummary("List threads, last used first");
        group.MapGet("/{id}", async (HttpContext context, ThreadEndpoints self, string id) =>
                await self.Conversations.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : NotFound(id))
            .Produces<ConversationView>().WithSummary("Get a thread");
        group.MapPatch("/{id}", (HttpContext context, ThreadEndpoints self, string id) => self.UpdateAsync(context, id))
            .WithBody<ConversationChange>().Produces<ConversationView>().WithSummary("Change title, model or servers");
        group.MapDelete("/{id}", async (HttpContext context, ThreadEndpoints self, string id) =>
                await self.Conversations.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Stop what runs and remove a thread");
        group.MapGet("/{id}/messages", (HttpContext context, ThreadEndpoints self, string id) => self.MessagesAsync(context, id))
            .WithQuery("before", "Only messages in front of this one").WithPaging().Produces<ListBody<MessageView>>().WithSummary("The messages of the branch in view, oldest first");
        group.MapPost("/{id}/messages", (HttpContext context, ThreadEndpoints self, string id) => self.SendAsync(context, id, null))
            .WithBody<NewMessage>().Produces<MessageView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status409Conflict).WithSummary("Say something; the answer comes as events");
        group.MapPost("/{id}/messages/{messageId}/edit", (HttpContext context, ThreadEndpoints self, string id, string messageId) => self.SendAsync(context, id, messageId))
            .WithBody<NewMessage>().Produces<MessageView>(StatusCodes.Status201Created).ProducesProblem(StatusCodes.Status409Conflict).WithSummary("Say it in other words, on a branch of its own");
        group.MapPost("/{id}/messages/{messageId}/regenerate", (HttpContext context, ThreadEndpoints self, string id, string messageId) => self.RegenerateAsync(context, id, messageId))
            .WithBody<RegenerateBody>().Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status409Conflict).WithSummary("Answer once more, if need be by another model");
        group.MapPost("/{id}/messages/{messageId}/show", (HttpContext context, ThreadEndpoints self, string id, string messageId) =>
                DoneAsync(self.Conversations.Show(context.Caller(), id, messageId, context.RequestAborted), "message", messageId))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Bring the branch of a message into view");
        group.MapPost("/{id}/stop", (HttpContext context, ThreadEndpoints self, string id) => DoneAsync(self.Conversations.Stop(context.Caller(), id, context.RequestAborted), "run of thread", id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("End the run; what was said stays");
        group.MapPost("/{id}/tool-calls/{callId}", (HttpContext context, ThreadEndpoints self, string id, string callId) => self.DecideAsync(context, id, callId))
            .WithBody<DecisionBody>().Produces(StatusCodes.Status204NoContent).WithSummary("Decide whether a tool call that waits may be made");
        group.MapGet("/{id}/tool-calls/{callId}/app", async (HttpContext context, ThreadEndpoints self, string id, string callId) =>
                await self.Conversations.AppPage(context.Caller(), id, callId, context.RequestAborted) is { } page ? Json(page) : ManagementProblems.NotFound("page of tool call", callId))
            .Produces<AppPage>().WithSummary("The page (MCP Apps) that shows a tool's result; untrusted HTML, for a sandboxed frame");
        group.MapPost("/{id}/questions/{questionId}", (HttpContext context, ThreadEndpoints self, string id, string questionId) => self.AnswerAsync(context, id, questionId))
            .WithBody<AnswerBody>().Produces(StatusCodes.Status204NoContent).WithSummary("Answer a question of a server (elicitation, sampling)");
        group.MapGet("/{id}/events", (HttpContext context, ThreadEndpoints self, string id) => self.EventsAsync(context, id))
            .Produces<string>(StatusCodes.Status200OK, "text/event-stream").WithSummary("Everything that happens, as events; goes on behind Last-Event-ID");
    }

    private IConversations Conversations => conversations;

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var view = await conversations.Create(context.Caller(), (await RequestBody.ReadAsync<NewConversation>(context)).Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/threads/{view.Id}";
        return Json(view, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<ConversationView>.Of(await conversations.List(context.Caller(), Query(context, "projectId"), Query(context, "search"), limit, cursor, context.RequestAborted), view => view));
    }

    private async Task<IResult> UpdateAsync(HttpContext context, string id) =>
        await conversations.Update(context.Caller(), id, (await RequestBody.ReadAsync<ConversationChange>(context)).Value, context.RequestAborted) is { } view ? Json(view) : NotFound(id);

    private async Task<IResult> MessagesAsync(HttpContext context, string id)
    {
        var (limit, _) = ListQuery.Of(context);
        return await conversations.Messages(context.Caller(), id, Query(context, "before"), limit, context.RequestAborted) is { } messages ? Json(new ListBody<MessageView>(messages, null)) : NotFound(id);
    }

    private async Task<IResult> SendAsync(HttpContext context, string id, string? edited)
    {
        var message = (await RequestBody.ReadAsync<NewMessage>(context)).Value;
        var said = edited is null
            ? await conversations.Send(context.Caller(), id, message, context.RequestAborted)
            : await conversations.Edit(context.Caller(), id, edited, message, context.RequestAborted);
        return said is null ? NotFound(id) : Json(said, StatusCodes.Status201Created);
    }

    private async Task<IResult> RegenerateAsync(HttpContext context, string id, string messageId)
    {
        var body = (await RequestBody.ReadAsync<RegenerateBody>(context)).Value;
        return await DoneAsync(conversations.Regenerate(context.Caller(), id, messageId, body.Model, context.RequestAborted), "answer", messageId);
    }

    private async Task<IResult> DecideAsync(HttpContext context, string id, string callId)
    {
        var decision = (await RequestBody.ReadAsync<DecisionBody>(context)).Value.Decision ?? throw new InvalidInputException("decision", "Allowed: 'Allow', 'AlwaysAllow', 'Deny', 'NeverAllow'.");
        return await DoneAsync(conversations.Decide(context.Caller(), id, callId, decision, context.RequestAborted), "waiting tool call", callId);
    }

    private async Task<IResult> AnswerAsync(HttpContext context, string id, string questionId)
    {
        var body = (await RequestBody.ReadAsync<AnswerBody>(context)).Value;
        var answer = new QuestionAnswer(body.Action ?? "", body.Content is { ValueKind: JsonValueKind.Object } content ? content.GetRawText() : null);
        return await DoneAsync(conversations.Answer(context.Caller(), id, questionId, answer, context.RequestAborted), "waiting question", questionId);
    }

    private async Task<IResult> EventsAsync(HttpContext context, string id)
    {
        if (await conversations.Find(context.Caller(), id, context.RequestAborted) is null)
        {
            return NotFound(id);
        }

        var after = long.TryParse(context.Request.Headers["Last-Event-ID"], NumberStyles.None, CultureInfo.InvariantCulture, out var last) ? last : 0;
        return new EventStream<ConversationEvent>(
            conversations.Watch(context.Caller(), id, after, context.RequestAborted),
            item => JsonSerializer.Serialize(item, ManagementJson.Options),
            time,
            item => item.Offset.ToString(CultureInfo.InvariantCulture));
    }

    private static string? Query(HttpContext context, string name) => context.Request.Query[name].ToString() is { Length: > 0 } value ? value : null;

    private static async Task<IResult> DoneAsync(Task<bool> act, string what, string id) => await act ? Results.NoContent() : ManagementProblems.NotFound(what, id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("thread", id);
}

internal sealed record RegenerateBody(string? Model);

internal sealed record DecisionBody(ToolDecision? Decision);

/// <param name="Action"><c>accept</c>, <c>decline</c>, <c>cancel</c>.</param>
/// <param name="Content">Values of the form.</param>
internal sealed record AnswerBody(string? Action, JsonElement? Content);
