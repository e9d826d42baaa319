using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary><c>/api/model-access-policies</c> and <c>/api/llm-budgets</c>.</summary>
internal static class ModelPolicyEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var policies = api.MapGroup("/model-access-policies").WithTags("model-access-policies");
        policies.MapPost("", CreateAsync).WithBody<NewModelAccessPolicy>().Produces<ModelAccessPolicyView>(StatusCodes.Status201Created).WithSummary("Make a model access policy; in force everywhere within a second");
        policies.MapGet("", ListAsync).WithPaging().Produces<ListBody<ModelAccessPolicyView>>().WithSummary("List model access policies, oldest first");
        policies.MapGet("/{id}", FindAsync).Produces<ModelAccessPolicyView>().WithSummary("Get a model access policy");
        policies.MapPut("/{id}", UpdateAsync).WithBody<NewModelAccessPolicy>().Produces<ModelAccessPolicyView>().WithSummary("Replace a model access policy; in force everywhere within a second");
        policies.MapDelete("/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove a model access policy; what only it allowed is refused everywhere within a second");

        var budgets = api.MapGroup("/llm-budgets").WithTags("llm-budgets");
        budgets.MapPost("", CreateBudgetAsync).WithBody<NewLlmBudget>().Produces<LlmBudgetView>(StatusCodes.Status201Created).WithSummary("Make a budget of tokens, money or requests a minute");
        budgets.MapGet("", ListBudgetsAsync).Produces<ListBody<LlmBudgetView>>().WithSummary("List budgets, oldest first");
        budgets.MapGet("/{id}", FindBudgetAsync).Produces<LlmBudgetView>().WithSummary("Get a budget");
        budgets.MapPut("/{id}", UpdateBudgetAsync).WithBody<NewLlmBudget>().Produces<LlmBudgetView>().WithSummary("Replace a budget; what was spent stays spent");
        budgets.MapDelete("/{id}", DeleteBudgetAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove a budget");
        budgets.MapGet("/{id}/standing", StandingAsync).WithQuery("subject", "Whose, where each has one of their own").Produces<BudgetStandingBody>().WithSummary("What is spent and set aside now");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IModelAccessPolicies policies)
    {
        var body = await RequestBody.ReadAsync<NewModelAccessPolicy>(context);
        var view = await policies.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/model-access-policies/{view.Id}";
        return LlmJson.Answer(view, body.Warnings, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IModelAccessPolicies policies)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return LlmJson.Answer(ListBody<ModelAccessPolicyView>.Of(await policies.List(context.Caller(), limit, cursor, context.RequestAborted), static view => view));
    }

    private static async Task<IResult> FindAsync(HttpContext context, [FromServices] IModelAccessPolicies policies, string id) =>
        await policies.Find(context.Caller(), id, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NoPolicy(id);

    private static async Task<IResult> UpdateAsync(HttpContext context, [FromServices] IModelAccessPolicies policies, string id)
    {
        var body = await RequestBody.ReadAsync<NewModelAccessPolicy>(context);
        return await policies.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? LlmJson.Answer(view, body.Warnings) : NoPolicy(id);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, [FromServices] IModelAccessPolicies policies, string id) =>
        await policies.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NoPolicy(id);

    private static async Task<IResult> CreateBudgetAsync(HttpContext context, [FromServices] ILlmBudgets budgets)
    {
        var body = await RequestBody.ReadAsync<NewLlmBudget>(context);
        var view = await budgets.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/llm-budgets/{view.Id}";
        return LlmJson.Answer(view, body.Warnings, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListBudgetsAsync(HttpContext context, [FromServices] ILlmBudgets budgets) =>
        LlmJson.Answer(new ListBody<LlmBudgetView>(await budgets.List(context.Caller(), context.RequestAborted), null));

    private static async Task<IResult> FindBudgetAsync(HttpContext context, [FromServices] ILlmBudgets budgets, string id) =>
        await budgets.Find(context.Caller(), id, context.RequestAborted) is { } view ? LlmJson.Answer(view) : NoBudget(id);

    private static async Task<IResult> UpdateBudgetAsync(HttpContext context, [FromServices] ILlmBudgets budgets, string id)
    {
        var body = await RequestBody.ReadAsync<NewLlmBudget>(context);
        return await budgets.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? LlmJson.Answer(view, body.Warnings) : NoBudget(id);
    }

    private static async Task<IResult> DeleteBudgetAsync(HttpContext context, [FromServices] ILlmBudgets budgets, string id) =>
        await budgets.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NoBudget(id);

    private static async Task<IResult> StandingAsync(HttpContext context, [FromServices] ILlmBudgets budgets, string id) =>
        await budgets.Standing(context.Caller(), id, context.Request.Query["subject"].ToString(), context.RequestAborted) is { } standing
            ? LlmJson.Answer(BudgetStandingBody.Of(standing))
            : NoBudget(id);

    private static IResult NoPolicy(string id) => ManagementProblems.NotFound("model access policy", id);

    private static IResult NoBudget(string id) => ManagementProblems.NotFound("budget", id);
}

/// <param name="Reservations">Calls under way.</param>
internal sealed record BudgetStandingBody(long SpentTokens, decimal SpentUsd, long ReservedTokens, decimal ReservedUsd, int Reservations, DateTimeOffset ResetsAt)
{
    public static BudgetStandingBody Of(BudgetStanding standing) => new(
        standing.Spent.Tokens, standing.Spent.MicroUsd / 1e6m, standing.Reserved.Tokens, standing.Reserved.MicroUsd / 1e6m, standing.Reservations, standing.ResetsAt);
}
