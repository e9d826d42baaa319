using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary><c>/api/model-providers</c>, <c>/api/models</c>, <c>/api/default-model-aliases</c>.</summary>
internal static class ModelEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var providers = api.MapGroup("/model-providers").WithTags("model-providers");
        providers.MapPost("", CreateProviderAsync).WithBody<ModelProviderDraft>().Produces<ModelProviderView>(StatusCodes.Status201Created).WithSummary("Add a provider of models; it is asked for its models once, and refused when it does not answer");
        providers.MapGet("", ListProvidersAsync).Produces<ListBody<ModelProviderView>>().WithSummary("List providers");
        providers.MapGet("/{id}", FindProviderAsync).Produces<ModelProviderView>().WithSummary("Get a provider; credentials by name only");
        providers.MapPut("/{id}", UpdateProviderAsync).WithBody<ModelProviderDraft>().Produces<ModelProviderView>().WithSummary("Replace a provider; credentials that are left out stay");
        providers.MapDelete("/{id}", DeleteProviderAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove a provider and its models");
        providers.MapPost("/{id}/refresh", RefreshAsync).Produces<ModelProviderView>().WithSummary("Look for models again");

        var models = api.MapGroup("/models").WithTags("models");
        models.MapPost("", CreateModelAsync).WithBody<ModelDraft>().Produces<ModelView>(StatusCodes.Status201Created).WithSummary("Add a model that its provider does not list");
        models.MapGet("", ListModelsAsync).WithPaging().WithQuery("modelProvider", "Only of this provider").Produces<ListBody<ModelView>>().WithSummary("List models, oldest first; others than administrators see what they may use");
        models.MapGet("/{id}", FindModelAsync).Produces<ModelView>().WithSummary("Get a model");
        models.MapPut("/{id}", UpdateModelAsync).WithBody<ModelDraft>().Produces<ModelView>().WithSummary("Change a model: name, usage, prices, active");
        models.MapDelete("/{id}", DeleteModelAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove a model; a refresh of its provider brings it back");

        var aliases = api.MapGroup("/default-model-aliases").WithTags("default-model-aliases");
        aliases.MapPost("", (HttpContext context, [FromServices] IModelAliases port) => SetAliasAsync(context, port, null)).WithBody<ModelAliasDraft>().Produces<ModelAliasView>(StatusCodes.Status201Created).WithSummary("Make or replace an alias: one model, or several with weights and order");
        aliases.MapGet("", ListAliasesAsync).Produces<ListBody<ModelAliasView>>().WithSummary("List aliases");
        aliases.MapGet("/{alias}", FindAliasAsync).Produces<ModelAliasView>().WithSummary("Get an alias");
        aliases.MapPut("/{alias}", (HttpContext context, [FromServices] IModelAliases port, string alias) => SetAliasAsync(context, port, alias)).WithBody<ModelAliasDraft>().Produces<ModelAliasView>().WithSummary("Make or replace an alias");
        aliases.MapDelete("/{alias}", DeleteAliasAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove an alias");
    }

    private static async Task<IResult> CreateProviderAsync(HttpContext context, [FromServices] IModelProviders providers)
    {
        var body = await RequestBody.ReadAsync<ModelProviderDraft>(context);
        var view = await providers.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/model-providers/{view.Id}";
        return LlmJson.Answer(view, body.Warnings, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListProvidersAsync(HttpContext context, [FromServices] IModelProviders providers) =>
        LlmJson.Answer(new ListBody<ModelProviderView>(await providers.List(context.Caller(), context.RequestAborted), null));

    private static async Task<IResult> FindProviderAsync(HttpContext context, [FromServices] IModelProviders providers, string id) =>
        await providers.Find(context.Caller(), id, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NoProvider(id);

    private static async Task<IResult> UpdateProviderAsync(HttpContext context, [FromServices] IModelProviders providers, string id)
    {
        var body = await RequestBody.ReadAsync<ModelProviderDraft>(context);
        return await providers.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? LlmJson.Answer(view, body.Warnings) : NoProvider(id);
    }

    private static async Task<IResult> DeleteProviderAsync(HttpContext context, [FromServices] IModelProviders providers, string id) =>
        await providers.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NoProvider(id);

    private static async Task<IResult> RefreshAsync(HttpContext context, [FromServices] IModelProviders providers, string id) =>
        await providers.Refresh(context.Caller(), id, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NoProvider(id);

    private static async Task<IResult> CreateModelAsync(HttpContext context, [FromServices] IModels models)
    {
        var body = await RequestBody.ReadAsync<ModelDraft>(context);
        var view = await models.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/models/{view.Id}";
        return LlmJson.Answer(view, body.Warnings, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListModelsAsync(HttpContext context, [FromServices] IModels models)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var provider = context.Request.Query["modelProvider"].ToString() is { Length: > 0 } id ? id : null;
        return LlmJson.Answer(ListBody<ModelView>.Of(await models.List(context.Caller(), provider, limit, cursor, context.RequestAborted), static view => view));
    }

    private static async Task<IResult> FindModelAsync(HttpContext context, [FromServices] IModels models, string id) =>
        await models.Find(context.Caller(), id, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NoModel(id);

    private static async Task<IResult> UpdateModelAsync(HttpContext context, [FromServices] IModels models, string id)
    {
        var body = await RequestBody.ReadAsync<ModelDraft>(context);
        return await models.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? LlmJson.Answer(view, body.Warnings) : NoModel(id);
    }

    private static async Task<IResult> DeleteModelAsync(HttpContext context, [FromServices] IModels models, string id) =>
        await models.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NoModel(id);

    private static async Task<IResult> ListAliasesAsync(HttpContext context, [FromServices] IModelAliases aliases) =>
        LlmJson.Answer(new ListBody<ModelAliasView>(await aliases.List(context.Caller(), context.RequestAborted), null));

    private static async Task<IResult> FindAliasAsync(HttpContext context, [FromServices] IModelAliases aliases, string alias) =>
        await aliases.Find(context.Caller(), alias, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NoAlias(alias);

    private static async Task<IResult> SetAliasAsync(HttpContext context, IModelAliases aliases, string? alias)
    {
        var body = await RequestBody.ReadAsync<ModelAliasDraft>(context);
        var (view, created) = await aliases.Set(context.Caller(), alias is null ? body.Value : body.Value with { Alias = alias }, context.RequestAborted);
        return LlmJson.Answer(view, body.Warnings, created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static async Task<IResult> DeleteAliasAsync(HttpContext context, [FromServices] IModelAliases aliases, string alias) =>
        await aliases.Delete(context.Caller(), alias, context.RequestAborted) ? Results.NoContent() : NoAlias(alias);

    private static IResult NoProvider(string id) => ManagementProblems.NotFound("provider of models", id);

    private static IResult NoModel(string id) => ManagementProblems.NotFound("model", id);

    private static IResult NoAlias(string alias) => ManagementProblems.NotFound("alias", alias);
}
