using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.Llm;

namespace Obot.Gateway.Management;

/// <summary><c>/api/model-access-policies</c>, <c>/api/llm-budgets</c> and <c>/api/message-policies</c>.</summary>
internal static class ModelPolicyEndpoints
{
    private const string Budget = "budget";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapManaged<IModelAccessPolicies, NewModelAccessPolicy, ModelAccessPolicyView>(
                "model-access-policies",
                new(
                    "model access policy",
                    "Make a model access policy; in force everywhere within a second",
                    "Get a model access policy",
                    "Replace a model access policy; in force everywhere within a second",
                    "Remove a model access policy; what only it allowed is refused everywhere within a second"))
            .MapGet("", ListAsync).WithPaging().Produces<ListBody<ModelAccessPolicyView>>().WithSummary("List model access policies, oldest first");

        api.MapManagedList<ILlmBudgets, NewLlmBudget, LlmBudgetView>(
                "llm-budgets",
                new(Budget, "Make a budget of tokens, money or requests a minute", "Get a budget", "Replace a budget; what was spent stays spent", "Remove a budget"),
                "List budgets, oldest first")
            .MapGet("/{id}/standing", StandingAsync).WithQuery("subject", "Whose, where each has one of their own").Produces<BudgetStandingBody>().WithSummary("What is spent and set aside now");

        api.MapManagedList<IMessagePolicies, NewMessagePolicy, MessagePolicyView>(
            "message-policies",
            new(
                "message policy",
                "Make a message policy: patterns, secrets, personal data, or a rule in plain words that a small model judges",
                "Get a message policy",
                "Replace a message policy",
                "Remove a message policy"),
            "List message policies, oldest first");
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IModelAccessPolicies policies)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return LlmJson.Answer(ListBody<ModelAccessPolicyView>.Of(await policies.List(context.Caller(), limit, cursor, context.RequestAborted), static view => view));
    }

    private static async Task<IResult> StandingAsync(HttpContext context, [FromServices] ILlmBudgets budgets, string id) => ManagedEndpoints.Found(
        await budgets.Standing(context.Caller(), id, context.Request.Query["subject"].ToString(), context.RequestAborted) is { } standing ? BudgetStandingBody.Of(standing) : null, Budget, id);
}

/// <param name="Reservations">Calls under way.</param>
internal sealed record BudgetStandingBody(long SpentTokens, decimal SpentUsd, long ReservedTokens, decimal ReservedUsd, int Reservations, DateTimeOffset ResetsAt)
{
    public static BudgetStandingBody Of(BudgetStanding standing) => new(
        standing.Spent.Tokens, standing.Spent.MicroUsd / 1e6m, standing.Reserved.Tokens, standing.Reserved.MicroUsd / 1e6m, standing.Reservations, standing.ResetsAt);
}
