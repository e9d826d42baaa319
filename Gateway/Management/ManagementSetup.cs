using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Obot.Gateway.Management;

/// <summary>The management API: <c>/api/…</c>, described at <c>/openapi/v1.json</c>.</summary>
public static class ManagementSetup
{
    /// <summary>Needs <see cref="Authentication.ICallerAuthenticator"/> and the ports of Grains.Abstractions.</summary>
    public static IServiceCollection AddManagement(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<PublicUrl>();
        services.AddSingleton<ServerEndpoints>();
        services.AddSingleton<ApiKeyEndpoints>();
        services.AddSingleton<UserEndpoints>().AddSingleton<ServiceAccountEndpoints>().AddSingleton<GroupEndpoints>();
        services.AddSingleton<CatalogEndpoints>().AddSingleton<CatalogEntryEndpoints>().AddSingleton<ServerEntryEndpoints>();
        services.AddSingleton<ImportEndpoints>().AddSingleton<ChangeEndpoints>().AddSingleton<StorageEndpoints>().AddSingleton<ExportEndpoints>();
        services.AddSingleton<ProjectEndpoints>().AddSingleton<ThreadEndpoints>().AddSingleton<FileEndpoints>().AddSingleton<TaskEndpoints>();
        services.AddSingleton<AccessRuleEndpoints>().AddSingleton<FilterEndpoints>();
        return services.AddManagementOpenApi();
    }

    /// <returns>The group <c>/api</c>; every endpoint in it is authenticated and needs scope <c>api</c>.</returns>
    public static RouteGroupBuilder MapManagement(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapOpenApi();
        var api = endpoints.MapGroup("/api");
        api.AddEndpointFilter<RouteGroupBuilder, ManagementFilter>();
        api.ProducesProblem(StatusCodes.Status401Unauthorized);
        ServerEndpoints.Map(api);
        ServerCredentialEndpoints.Map(api);
        SignInCodeEndpoints.Map(api);
        SessionEndpoints.Map(api);
        AuthProviderEndpoints.Map(api);
        LocalAccountEndpoints.Map(api);
        ApiKeyEndpoints.Map(api);
        ConnectedApplicationEndpoints.Map(api);
        OAuthClientEndpoints.Map(api);
        UserEndpoints.Map(api);
        ServiceAccountEndpoints.Map(api);
        GroupEndpoints.Map(api);
        DefaultRoleEndpoints.Map(api);
        EncryptionEndpoints.Map(api);
        AccessRuleEndpoints.Map(api);
        AuditLogEndpoints.Map(api);
        CallStatsEndpoints.Map(api);
        CatalogEndpoints.Map(api);
        CatalogEntryEndpoints.Map(api);
        ServerEntryEndpoints.Map(api);
        ImportEndpoints.Map(api);
        ChangeEndpoints.Map(api);
        StorageEndpoints.Map(api);
        ExportEndpoints.Map(api);
        FilterEndpoints.Map(api);
        ModelEndpoints.Map(api);
        ModelPolicyEndpoints.Map(api);
        LlmAuditEndpoints.Map(api);
        ProjectEndpoints.Map(api);
        ThreadEndpoints.Map(api);
        FileEndpoints.Map(api);
        TaskEndpoints.Map(api);
        api.MapGet("/version", Version).WithTags("version").Produces<VersionBody>().WithSummary("What runs here");
        api.Map("/{**rest}", NotFound).ExcludeFromDescription();
        return api;
    }

    private static IResult Version() => Results.Json(VersionBody.Current, ManagementJson.Options);

    private static IResult NotFound(HttpContext context) => ManagementProblems.Problem(
        StatusCodes.Status404NotFound, "Not found", $"Nothing answers {context.Request.Method} {context.Request.Path}. /openapi/v1.json lists what there is.");
}

/// <param name="Version">Version of the product.</param>
/// <param name="Commit">Commit it was built from, if known.</param>
internal sealed record VersionBody(string Version, string? Commit)
{
    public static VersionBody Current { get; } = Of(typeof(VersionBody).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");

    private static VersionBody Of(string text) => text.Split('+', 2) is [var version, var commit] ? new(version, commit) : new(text, null);
}
