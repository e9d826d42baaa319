using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.ApiKeys;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Management;

/// <summary><c>/api/users</c>, <c>/api/me</c>: docs/users.md says who may do what.</summary>
internal sealed class UserEndpoints(IUsers users, IApiKeys keys)
{
    private const string Transfer = "transfer:";

    public static void Map(RouteGroupBuilder api)
    {
        api.MapGet("/me", (HttpContext context, UserEndpoints self) => self.MeAsync(context))
            .WithTags("users").Produces<UserBody>().WithSummary("Who you are, and what your credential is good for");

        var group = api.MapGroup("/users").WithTags("users");
        group.MapGet("", (HttpContext context, UserEndpoints self) => self.ListAsync(context))
            .WithQuery("query", "Part of the name, a whole e-mail address, or an id").WithQuery("role", "Only users with this role")
            .WithQuery("kind", "Only 'person', 'service' or 'system'").WithPaging()
            .Produces<ListBody<UserBody>>().WithSummary("List users, oldest first (administrators)");
        group.MapGet("/{id}", (HttpContext context, UserEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<UserBody>().WithSummary("Get a user with groups and identities (administrators)");
        group.MapPatch("/{id}", (HttpContext context, UserEndpoints self, string id) => self.ChangeAsync(context, id))
            .WithBody<UserChangeBody>().Produces<UserBody>().ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Change role, auditor add-on, standing or name; in force everywhere within a second (administrators; owners for owners and auditors)");
        group.MapDelete("/{id}", (HttpContext context, UserEndpoints self, string id) => self.RemoveAsync(context, id))
            .WithQuery("servers", "'delete', or 'transfer:<user id>': what becomes of the user's servers. Left out: 409 while there are any")
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(StatusCodes.Status409Conflict)
            .WithSummary("Remove a user with API keys, identities, sessions and instances (administrators)");
        group.MapGet("/{id}/api-keys", (HttpContext context, UserEndpoints self, string id) => self.KeysAsync(context, id))
            .WithPaging().Produces<ListBody<ApiKeyBody>>().WithSummary("List a user's API keys (administrators)");
        group.MapDelete("/{id}/api-keys/{keyId}", (HttpContext context, UserEndpoints self, string id, string keyId) => self.RevokeAsync(context, id, keyId))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Revoke a user's API key; refused everywhere within a second (administrators)");
    }

    /// <exception cref="InvalidInputException">A role that does not exist, or nothing to change.</exception>
    public static UserChange Change(UserChangeBody body)
    {
        UserChange change = new()
        {
            Role = body.Role is { } role ? RoleNames.Parse(role, "role") : null,
            Auditor = body.Auditor,
            Disabled = body.Disabled,
            Name = body.Name,
        };
        return change == new UserChange()
            ? throw new InvalidInputException("body", "Send at least one of 'role', 'auditor', 'disabled', 'name'.")
            : change;
    }

    /// <exception cref="InvalidInputException">Neither nothing, nor <c>delete</c>, nor <c>transfer:…</c>.</exception>
    public static OwnedServers Servers(HttpContext context) => context.Request.Query["servers"].ToString() switch
    {
        "" => OwnedServers.Refuse,
        "delete" => new(true, null),
        { Length: > 9 } text when text.StartsWith(Transfer, StringComparison.Ordinal) => new(false, text[Transfer.Length..]),
        var other => throw new InvalidInputException("servers", $"'{other}' is not allowed. Allowed: 'delete', 'transfer:<user id>', or nothing."),
    };

    private async Task<IResult> MeAsync(HttpContext context)
    {
        var caller = context.Caller();
        return await users.Me(caller, context.RequestAborted) is { } me
            ? Json(UserBody.Of(me) with { Scopes = caller.Scopes, McpServerIDs = caller.ServerIds })
            : NotFound(caller.UserId);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        var query = context.Request.Query;
        UserQuery search = new()
        {
            Text = query["query"].ToString(),
            Role = query["role"].ToString() is { Length: > 0 } role ? RoleNames.Parse(role, "role") : null,
            Kind = query["kind"].ToString() switch
            {
                "" => null,
                "person" => UserKind.Person,
                "service" => UserKind.Service,
                "system" => UserKind.System,
                var other => throw new InvalidInputException("kind", $"'{other}' is not allowed. Allowed: 'person', 'service', 'system'."),
            },
        };
        return Json(ListBody<UserBody>.Of(await users.List(context.Caller(), search, limit, cursor, context.RequestAborted), UserBody.Of));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await users.Find(context.Caller(), id, context.RequestAborted) is { } user ? Json(UserBody.Of(user)) : NotFound(id);

    private async Task<IResult> ChangeAsync(HttpContext context, string id)
    {
        var body = await RequestBody.ReadAsync<UserChangeBody>(context);
        return await users.Change(context.Caller(), id, Change(body.Value), context.RequestAborted) is { } user
            ? Json(UserBody.Of(user, body.Warnings))
            : NotFound(id);
    }

    private async Task<IResult> RemoveAsync(HttpContext context, string id) =>
        await users.Remove(context.Caller(), id, Servers(context), context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private async Task<IResult> KeysAsync(HttpContext context, string id)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return await keys.ListOf(context.Caller(), id, limit, cursor, context.RequestAborted) is { } page
            ? Json(ListBody<ApiKeyBody>.Of(page, ApiKeyBody.Of))
            : NotFound(id);
    }

    private async Task<IResult> RevokeAsync(HttpContext context, string id, string keyId) =>
        await keys.RevokeOf(context.Caller(), id, keyId, context.RequestAborted) ? Results.NoContent() : ManagementProblems.NotFound("API key", keyId);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("user", id);

    private static IResult Json<T>(T body) => Results.Json(body, ManagementJson.Options);
}
