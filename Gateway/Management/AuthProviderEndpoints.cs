using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Gateway.Management;

/// <summary><c>/api/auth-providers</c>: identity providers; role admin. The client secret goes in and never comes out.</summary>
internal static class AuthProviderEndpoints
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/auth-providers").WithTags("auth-providers");
        group.MapPost("", CreateAsync).WithBody<AuthProviderDraft>().Produces<AuthProviderView>(StatusCodes.Status201Created).WithSummary("Add an identity provider");
        group.MapGet("", ListAsync).Produces<ListBody<AuthProviderView>>().WithSummary("List identity providers; those of configuration are read-only");
        group.MapGet("/{id}", FindAsync).Produces<AuthProviderView>().WithSummary("Get an identity provider");
        group.MapPut("/{id}", UpdateAsync).WithBody<AuthProviderDraft>().Produces<AuthProviderView>().WithSummary("Replace an identity provider; without 'clientSecret' the secret stays");
        group.MapDelete("/{id}", DeleteAsync).Produces(StatusCodes.Status204NoContent).WithSummary("Remove an identity provider; its users stay");
        group.MapPost("/test", TestAsync).WithBody<AuthProviderDraft>().Produces<AuthProviderTestBody>()
            .WithSummary("Look whether a provider, saved or not, can work; 'signInUrl' tries it in a browser and signs nobody in");
    }

    private static async Task<IResult> CreateAsync(HttpContext context, [FromServices] IAuthProviders providers)
    {
        var body = await RequestBody.ReadAsync<AuthProviderDraft>(context);
        var view = await providers.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/auth-providers/{view.Id}";
        return Json(view, StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IAuthProviders providers) =>
        Json(new ListBody<AuthProviderView>(await providers.List(context.Caller(), context.RequestAborted), null));

    private static async Task<IResult> FindAsync(HttpContext context, [FromServices] IAuthProviders providers, string id) =>
        await providers.Find(context.Caller(), id, context.RequestAborted) is { } view ? Json(view) : NotFound(id);

    private static async Task<IResult> UpdateAsync(HttpContext context, [FromServices] IAuthProviders providers, string id)
    {
        var body = await RequestBody.ReadAsync<AuthProviderDraft>(context);
        return await providers.Update(context.Caller(), id, body.Value, context.RequestAborted) is { } view ? Json(view) : NotFound(id);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, [FromServices] IAuthProviders providers, string id) =>
        await providers.Delete(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private static async Task<IResult> TestAsync(HttpContext context, [FromServices] IAuthProviders providers)
    {
        var body = await RequestBody.ReadAsync<AuthProviderDraft>(context);
        var test = await providers.Test(context.Caller(), body.Value, context.RequestAborted);
        return Json(new AuthProviderTestBody(test.Passed, test.Findings, test.SignInUrl));
    }

    private static IResult NotFound(string id) => ManagementProblems.NotFound("identity provider", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}

/// <param name="Passed">Whether no finding failed.</param>
/// <param name="SignInUrl">For the caller's browser, within fifteen minutes.</param>
internal sealed record AuthProviderTestBody(bool Passed, IReadOnlyList<AuthProviderFinding> Findings, string SignInUrl);
