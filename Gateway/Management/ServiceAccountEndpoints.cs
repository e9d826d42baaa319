using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/service-accounts</c>: users that are programs.</summary>
internal sealed class ServiceAccountEndpoints(IUsers users, IApiKeys keys)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/service-accounts").WithTags("service-accounts");
        group.MapPost("", (HttpContext context, ServiceAccountEndpoints self) => self.CreateAsync(context))
            .WithBody<NewServiceAccountBody>().Produces<UserBody>(StatusCodes.Status201Created).WithSummary("Make a service account (administrators)");
        group.MapGet("", (HttpContext context, ServiceAccountEndpoints self) => self.ListAsync(context))
            .WithQuery("query", "Part of the name, or an id").WithPaging()
            .Produces<ListBody<UserBody>>().WithSummary("List service accounts, oldest first (administrators)");
        group.MapGet("/{id}", (HttpContext context, ServiceAccountEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<UserBody>().WithSummary("Get a service account (administrators)");
        group.MapPatch("/{id}", (HttpContext context, ServiceAccountEndpoints self, string id) => self.ChangeAsync(context, id))
            .WithBody<UserChangeBody>().Produces<UserBody>().WithSummary("Change role, auditor add-on, standing or name; in force everywhere within a second (administrators)");
        group.MapDelete("/{id}", (HttpContext context, ServiceAccountEndpoints self, string id) => self.RemoveAsync(context, id))
            .WithQuery("servers", "'delete', or 'transfer:<user id>': what becomes of the account's servers. Left out: 409 while there are any")
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Remove a service account with its API keys (administrators)");
        group.MapPost("/{id}/api-keys", (HttpContext context, ServiceAccountEndpoints self, string id) => self.CreateKeyAsync(context, id))
            .WithBody<NewApiKey>().Produces<ApiKeyBody>(StatusCodes.Status201Created)
            .WithSummary("Make an API key of a service account; 'key' is shown only here. List and revoke them at /api/users/{id}/api-keys (administrators)");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewServiceAccountBody>(context);
        NewServiceAccount request = new(body.Value.Name ?? "")
        {
            Role = body.Value.Role is { } role ? RoleNames.Parse(role, "role") : Role.Basic,
            Groups = body.Value.Groups ?? [],
        };
        var account = await users.Create(context.Caller(), request, context.RequestAborted);
        context.Response.Headers.Location = $"/api/service-accounts/{account.Id}";
        return Json(UserBody.Of(account, body.Warnings), StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        UserQuery search = new() { Text = context.Request.Query["query"].ToString(), Kind = UserKind.Service };
        return Json(ListBody<UserBody>.Of(await users.List(context.Caller(), search, limit, cursor, context.RequestAborted), UserBody.Of));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await AccountAsync(context, id) is { } account ? Json(UserBody.Of(account)) : NotFound(id);

    private async Task<IResult> ChangeAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<UserChangeBody>(context);
        return await AccountAsync(context, id) is not null
            && await users.Change(context.Caller(), id, UserEndpoints.Change(body.Value), context.RequestAborted) is { } account
                ? Json(UserBody.Of(account, body.Warnings))
                : NotFound(id);
    }

    private async Task<IResult> RemoveAsync(HttpContext context, string id) =>
        await AccountAsync(context, id) is not null && await users.Remove(context.Caller(), id, UserEndpoints.Servers(context), context.RequestAborted)
            ? Results.NoContent()
            : NotFound(id);

    private async Task<IResult> CreateKeyAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<NewApiKey>(context);
        if (await keys.CreateFor(context.Caller(), id, body.Value, context.RequestAborted) is not { } key)
        {
            return NotFound(id);
        }

        context.Response.Headers.Location = $"/api/users/{id}/api-keys/{key.Id}";
        return Json(ApiKeyBody.Of(key) with { Warnings = body.Warnings.Count == 0 ? null : body.Warnings }, StatusCodes.Status201Created);
    }

    /// <summary>A user's kind never changes, so what is found here stays true.</summary>
    private async Task<UserDetails?> AccountAsync(HttpContext context, string id) =>
        await users.Find(context.Caller(), id, context.RequestAborted) is { Kind: UserKind.Service } account ? account : null;

    private static IResult NotFound(string id) => ManagementProblems.NotFound("service account", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
