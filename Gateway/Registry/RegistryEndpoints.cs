using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Gateway.Authentication;
using Obot.Gateway.Management;
using Obot.Gateway.OAuth;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Catalog;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.Registry;

/// <summary>
/// The MCP registry API (registry OpenAPI, 2025-12-01): reading only. Names have the public URL's host as namespace, and every server is
/// reached through our gateway.
/// </summary>
internal sealed partial class RegistryEndpoints(
    IServerRegistry registry, ICallerAuthenticator authenticator, ProtectedResources resources, Resources addresses, IOptions<RegistryOptions> options, ILogger<RegistryEndpoints> logger)
{
    public const string Prefix = "/v0.1";
    private const int DefaultLimit = 30;
    private const int MaxLimit = 100;
    private const string NotThere = "Server not found";

    private readonly string _namespace = RegistryNamespace.Of(addresses.Issuer);

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup(Prefix).ExcludeFromDescription();
        group.MapGet("/servers", (HttpContext context, RegistryEndpoints self) => self.AnswerAsync(context, self.ListAsync));

        // a name is one segment with %2F in it; some clients leave the slash as it is
        foreach (var name in new[] { "{serverName}", "{ns}/{serverName}" })
        {
            group.MapGet($"/servers/{name}/versions", (HttpContext context, RegistryEndpoints self) => self.AnswerAsync(context, self.VersionsAsync));
            group.MapGet($"/servers/{name}/versions/{{version}}", (HttpContext context, RegistryEndpoints self) => self.AnswerAsync(context, self.VersionAsync));
        }

        group.MapGet("/{**rest}", (HttpContext context, RegistryEndpoints self) => self.AnswerAsync(context, static (_, _) => Task.FromResult(Error(StatusCodes.Status404NotFound, NotThere))));
    }

    private async Task<IResult> AnswerAsync(HttpContext context, Func<HttpContext, Principal?, Task<IResult>> answer)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlAllowMethods = "GET, OPTIONS";
        headers.AccessControlAllowHeaders = "Authorization, Content-Type";
        headers.AccessControlExposeHeaders = "WWW-Authenticate";
        try
        {
            return options.Value.RequireAuthentication ? await AsCallerAsync(context, answer) : await answer(context, null);
        }
        catch (InvalidInputException e)
        {
            return Error(StatusCodes.Status400BadRequest, $"{e.Field}: {e.Message}");
        }
        catch (Exception e) when (!context.RequestAborted.IsCancellationRequested)
        {
            LogFailed(e, context.Request.Path, context.TraceIdentifier);
            return Error(StatusCodes.Status500InternalServerError, $"The registry failed; the platform's log has the cause under request '{context.TraceIdentifier}'.");
        }
    }

    private async Task<IResult> AsCallerAsync(HttpContext context, Func<HttpContext, Principal?, Task<IResult>> answer)
    {
        if (await authenticator.AuthenticateAsync(context, context.RequestAborted) is not { } caller)
        {
            resources.ChallengeRegistry(context.Response, context.Request.Headers.Authorization.Count > 0 ? "invalid_token" : null);
            return Error(StatusCodes.Status401Unauthorized, "This registry needs a token with scope 'registry:read', or an API key. What came is missing, unknown, expired or revoked.");
        }

        if (!caller.Has(Scopes.Registry) && !caller.Has(Scopes.Mcp) && !caller.Has(Scopes.Api))
        {
            resources.ChallengeRegistry(context.Response, "insufficient_scope");
            return Error(StatusCodes.Status403Forbidden, "The credential is good but lacks scope 'registry:read'.");
        }

        return await answer(context, caller);
    }

    private async Task<IResult> ListAsync(HttpContext context, Principal? caller)
    {
        var page = await registry.List(caller, Query(context.Request.Query), context.RequestAborted);
        return Json(new ServerListBody([.. page.Items.Select(Body)], new(page.NextCursor, page.Items.Count)));
    }

    /// <summary>One: what runs is always the latest revision, and nobody could connect to another.</summary>
    private async Task<IResult> VersionsAsync(HttpContext context, Principal? caller) =>
        await FindAsync(context, caller) is { } item ? Json(new ServerListBody([Body(item)], new(null, 1))) : Error(StatusCodes.Status404NotFound, NotThere);

    private async Task<IResult> VersionAsync(HttpContext context, Principal? caller)
    {
        var version = (string)context.GetRouteValue("version")!;
        return await FindAsync(context, caller) is { } item && (version == "latest" || version == item.Version) ? Json(Body(item)) : Error(StatusCodes.Status404NotFound, NotThere);
    }

    private async Task<RegistryItem?> FindAsync(HttpContext context, Principal? caller)
    {
        // the framework decodes everything in a segment but the slash
        var name = ((string)context.GetRouteValue("serverName")!).Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        name = context.GetRouteValue("ns") is string before ? $"{before}/{name}" : name;
        return name.StartsWith($"{_namespace}/", StringComparison.OrdinalIgnoreCase) && !name.Contains('\0', StringComparison.Ordinal)
            ? await registry.Find(caller, name[(_namespace.Length + 1)..], Flag(context.Request.Query, "include_deleted"), context.RequestAborted)
            : null;
    }

    private RegistryQuery Query(IQueryCollection query)
    {
        var limit = DefaultLimit;
        if (query["limit"].ToString() is { Length: > 0 } text && (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out limit) || limit is < 1 or > MaxLimit))
        {
            throw new InvalidInputException("limit", $"Must be a whole number from 1 to {MaxLimit} (default {DefaultLimit}).");
        }

        DateTimeOffset? since = null;
        if (query["updated_since"].ToString() is { Length: > 0 } time)
        {
            since = DateTimeOffset.TryParse(time.Replace(' ', '+'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed)
                ? parsed
                : throw new InvalidInputException("updated_since", "Must be a time in RFC 3339, e.g. '2026-01-31T12:00:00Z'.");
        }

        return new(limit, query["cursor"], Search(query["search"].ToString()), since, query["version"], Flag(query, "include_deleted"));
    }

    /// <summary>The namespace is the same in all names.</summary>
    private string? Search(string text) =>
        text.StartsWith($"{_namespace}/", StringComparison.OrdinalIgnoreCase) ? text[(_namespace.Length + 1)..]
        : text.Length > 0 && $"{_namespace}/".Contains(text, StringComparison.OrdinalIgnoreCase) ? null
        : text;

    private static bool Flag(IQueryCollection query, string name) => query[name].ToString() switch
    {
        "" or "false" => false,
        "true" => true,
        var other => throw new InvalidInputException(name, $"'{other}' is not allowed. Allowed: 'true', 'false' (default)."),
    };

    private ServerResponseBody Body(RegistryItem item) => ServerResponseBody.Of(item, _namespace, addresses.Issuer);

    private static IResult Error(int status, string message) => Results.Json(new RegistryErrorBody(message), ManagementJson.Options, statusCode: status);

    private static IResult Json<T>(T body) => Results.Json(body, ManagementJson.Options);

    [LoggerMessage(LogLevel.Error, "The registry failed at {Path} (request {TraceId})")]
    private partial void LogFailed(Exception exception, string path, string traceId);
}
