using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Grains.Abstractions.ApiKeys;

namespace Obot.Gateway.Management;

/// <summary>An API key.</summary>
internal sealed record ApiKeyBody
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Prefix { get; init; }

    /// <summary>The key itself; only in the answer that makes it.</summary>
    public string? Key { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }
    public IReadOnlyList<string>? McpServerIDs { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    public DateTimeOffset? LastUsedAt { get; init; }

    /// <summary>Unknown fields of the request.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    public static ApiKeyBody Of(ApiKeyView view) => new()
    {
        Id = view.Id,
        Name = view.Name,
        Prefix = view.Prefix,
        Key = (view as CreatedApiKey)?.Key,
        Scopes = view.Scopes,
        McpServerIDs = view.McpServerIDs,
        CreatedAt = view.CreatedAt,
        ExpiresAt = view.ExpiresAt,
        LastUsedAt = view.LastUsedAt,
    };
}

/// <summary><c>/api/api-keys</c>: the caller's own keys.</summary>
internal sealed class ApiKeyEndpoints(IApiKeys keys)
{
    public static void Map(RouteGroupBuilder api)
    {
        var group = api.MapGroup("/api-keys").WithTags("api-keys");
        group.MapPost("", (HttpContext context, ApiKeyEndpoints self) => self.CreateAsync(context))
            .WithBody<NewApiKey>().Produces<ApiKeyBody>(StatusCodes.Status201Created).WithSummary("Make an API key; 'key' is shown only here");
        group.MapGet("", (HttpContext context, ApiKeyEndpoints self) => self.ListAsync(context))
            .WithPaging().Produces<ListBody<ApiKeyBody>>().WithSummary("List your API keys, oldest first");
        group.MapGet("/{id}", (HttpContext context, ApiKeyEndpoints self, string id) => self.FindAsync(context, id))
            .Produces<ApiKeyBody>().WithSummary("Get an API key");
        group.MapDelete("/{id}", (HttpContext context, ApiKeyEndpoints self, string id) => self.RevokeAsync(context, id))
            .Produces(StatusCodes.Status204NoContent).WithSummary("Revoke an API key; refused everywhere within a second");
    }

    private async Task<IResult> CreateAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync<NewApiKey>(context);
        var key = await keys.Create(context.Caller(), body.Value, context.RequestAborted);
        context.Response.Headers.Location = $"/api/api-keys/{key.Id}";
        return Json(ApiKeyBody.Of(key) with { Warnings = body.Warnings.Count == 0 ? null : body.Warnings }, StatusCodes.Status201Created);
    }

    private async Task<IResult> ListAsync(HttpContext context)
    {
        var (limit, cursor) = ListQuery.Of(context);
        return Json(ListBody<ApiKeyBody>.Of(await keys.List(context.Caller(), limit, cursor, context.RequestAborted), ApiKeyBody.Of));
    }

    private async Task<IResult> FindAsync(HttpContext context, string id) =>
        await keys.Find(context.Caller(), id, context.RequestAborted) is { } key ? Json(ApiKeyBody.Of(key)) : NotFound(id);

    private async Task<IResult> RevokeAsync(HttpContext context, string id) =>
        await keys.Revoke(context.Caller(), id, context.RequestAborted) ? Results.NoContent() : NotFound(id);

    private static IResult NotFound(string id) => ManagementProblems.NotFound("API key", id);

    private static IResult Json<T>(T body, int status = StatusCodes.Status200OK) => Results.Json(body, ManagementJson.Options, statusCode: status);
}
