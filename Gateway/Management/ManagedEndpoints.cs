using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary>What the management API says of one kind of things.</summary>
/// <param name="Noun">For a problem: "There is no {noun} '…'."</param>
internal sealed record ManagedTexts(string Noun, string Create, string Find, string Update, string Delete);

/// <summary>Make, get, replace and remove by id, for everything behind <see cref="IManaged{TDraft, TView}"/>.</summary>
internal static class ManagedEndpoints
{
    /// <returns>The group, for what a kind has beside.</returns>
    public static RouteGroupBuilder MapManaged<TPort, TDraft, TView>(this RouteGroupBuilder api, string name, ManagedTexts texts)
        where TPort : class, IManaged<TDraft, TView>
        where TDraft : class
        where TView : class, IManagedView
    {
        var group = api.MapGroup($"/{name}").WithTags(name);
        Delegate create = async (HttpContext context, [FromServices] TPort port) =>
        {
            var body = await RequestBody.ReadAsync<TDraft>(context);
            var view = await port.Create(context.Caller(), body.Value, context.RequestAborted);
            context.Response.Headers.Location = $"/api/{name}/{view.Id}";
            return LlmJson.Answer(view, body.Warnings, StatusCodes.Status201Created);
        };
        Delegate find = async (HttpContext context, [FromServices] TPort port, string id) => Found(await port.Find(context.Caller(), id, context.RequestAborted), texts.Noun, id);
        Delegate update = async (HttpContext context, [FromServices] TPort port, string id) =>
        {
            var body = await RequestBody.ReadAsync<TDraft>(context);
            return Found(await port.Update(context.Caller(), id, body.Value, context.RequestAborted), texts.Noun, id, body.Warnings);
        };
        Delegate delete = async (HttpContext context, [FromServices] TPort port, string id) =>
            await port.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound(texts.Noun, id);
        group.MapPost("", create).WithBody<TDraft>().Produces<TView>(StatusCodes.Status201Created).WithSummary(texts.Create);
        group.MapGet("/{id}", find).Produces<TView>().WithSummary(texts.Find);
        group.MapPut("/{id}", update).WithBody<TDraft>().Produces<TView>().WithSummary(texts.Update);
        group.MapDelete("/{id}", delete).Produces(StatusCodes.Status204NoContent).WithSummary(texts.Delete);
        return group;
    }

    /// <summary>The same, and all of them at once.</summary>
    public static RouteGroupBuilder MapManagedList<TPort, TDraft, TView>(this RouteGroupBuilder api, string name, ManagedTexts texts, string list)
        where TPort : class, IManagedList<TDraft, TView>
        where TDraft : class
        where TView : class, IManagedView
    {
        var group = api.MapManaged<TPort, TDraft, TView>(name, texts);
        Delegate all = async (HttpContext context, [FromServices] TPort port) => LlmJson.Answer(new ListBody<TView>(await port.List(context.Caller(), context.RequestAborted), null));
        group.MapGet("", all).Produces<ListBody<TView>>().WithSummary(list);
        return group;
    }

    /// <summary>A view, or that there is none.</summary>
    public static IResult Found<TView>(TView? view, string noun, string id, IReadOnlyList<string>? warnings = null)
        where TView : class => view is null ? ManagementProblems.NotFound(noun, id) : LlmJson.Answer(view, warnings);
}
