using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary><c>/api/model-providers</c>, <c>/api/models</c>, <c>/api/default-model-aliases</c>.</summary>
internal static class ModelEndpoints
{
    private const string Provider = "provider of models";
    private const string Alias = "alias";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapManagedList<IModelProviders, ModelProviderDraft, ModelProviderView>(
                "model-providers",
                new(
                    Provider,
                    "Add a provider of models; it is asked for its models once, and refused when it does not answer",
                    "Get a provider; credentials by name only",
                    "Replace a provider; credentials that are left out stay",
                    "Remove a provider and its models"),
                "List providers")
            .MapPost("/{id}/refresh", RefreshAsync).Produces<ModelProviderView>().WithSummary("Look for models again");

        api.MapManaged<IModels, ModelDraft, ModelView>(
                "models",
                new(
                    "model",
                    "Add a model that its provider does not list",
                    "Get a model",
                    "Change a model: name, usage, prices, active",
                    "Remove a model; a refresh of its provider brings it back"))
            .MapGet("", ListModelsAsync).WithPaging().WithQuery("modelProvider", "Only of this provider").Produces<ListBody<ModelView>>().WithSummary("List models, oldest first; others than administrators see what they may use");

        var aliases = api.MapGroup("/default-model-aliases").WithTags("default-model-aliases");
        aliases.MapPost("", (HttpContext context, [FromServices] IModelAliases port) => SetAliasAsync(context, port, null)).WithBody<ModelAliasDraft>().Produces<ModelAliasView>(StatusCodes.Status201Created).WithSummary("Make or replace an alias: one model, or several with weights and order");
        aliases.MapGet("", ListAliasesAsync).Produces<ListBody<ModelAliasView>>().WithSummary("List aliases");
        aliases.MapGet("/{alias}", FindAliasAsync).Produces<ModelAliasView>().WithSummary("Get an alias");
        aliases.MapPut("/{alias}", (HttpContext context, [FromServices] IModelAliases port, string alias) => SetAliasAsync(context, port, alias)).WithBody<ModelAliasDraft>().Produces<ModelAliasView>().WithSummary("Make or replace an alias");
        aliases.MapDelete("/{alias}", DeleteAliasAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove an alias");
    }

    private static async Task<IResult> RefreshAsync(HttpContext context, [FromServices] IModelProviders providers, string id) =>
        ManagedEndpoints.Found(await providers.Refresh(context.Caller(), id, context.RequestAborted), Provider, id);

    private static async Task<IResult> ListModelsAsync(HttpContext context, [FromServices] IModels models)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var provider = context.Request.Query["modelProvider"].ToString() is { Length: > 0 } id ? id : null;
        return LlmJson.Answer(ListBody<ModelView>.Of(await models.List(context.Caller(), provider, limit, cursor, context.RequestAborted), static view => view));
    }

    private static async Task<IResult> ListAliasesAsync(HttpContext context, [FromServices] IModelAliases aliases) =>
        LlmJson.Answer(new ListBody<ModelAliasView>(await aliases.List(context.Caller(), context.RequestAborted), null));

    private static async Task<IResult> FindAliasAsync(HttpContext context, [FromServices] IModelAliases aliases, string alias) =>
        ManagedEndpoints.Found(await aliases.Find(context.Caller(), alias, context.RequestAborted), Alias, alias);

    private static async Task<IResult> SetAliasAsync(HttpContext context, IModelAliases aliases, string? alias)
    {
        var body = await RequestBody.ReadAsync<ModelAliasDraft>(context);
        var (view, created) = await aliases.Set(context.Caller(), alias is null ? body.Value : body.Value with { Alias = alias }, context.RequestAborted);
        return LlmJson.Answer(view, body.Warnings, created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task<IResult> DeleteAliasAsync(HttpContext context, [FromServices] IModelAliases aliases, string alias) =>
        await aliases.Delete(context.Caller(), alias, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound(Alias, alias);
}
