using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Obot.Gateway.Management;

namespace Obot.Gateway.OAuth;

/// <summary>Protected-resource metadata (RFC 9728) and the challenges that lead to it.</summary>
internal sealed class ProtectedResources(Resources resources)
{
    public const string Path = "/.well-known/oauth-protected-resource";

    public static void Map(IEndpointRouteBuilder endpoints) => endpoints
        .MapGet(Path + "/{**resource}", (ProtectedResources self, string resource) => self.Describe("/" + resource))
        .ExcludeFromDescription();

    /// <summary>401 of an MCP endpoint: where to get a token, and for what (RFC 6750, section 3; RFC 9728, section 5.1).</summary>
    /// <param name="response">Gets the header.</param>
    /// <param name="serverId">The server that was asked for.</param>
    /// <param name="presented">A credential came and was not good.</param>
    public void ChallengeServer(HttpResponse response, string serverId, bool presented) =>
        response.Headers.WWWAuthenticate = resources.OfPath($"{Mcp.McpEndpoint.Prefix}/{serverId}") is { } resource
            ? $"Bearer {(presented ? "error=\"invalid_token\", " : "")}resource_metadata=\"{resources.MetadataOf(resource)}\", scope=\"{resource.Scope}\""
            : "Bearer";

    /// <summary>403: the token is good, but not for this. Names all scopes that are needed.</summary>
    public void ChallengeScope(HttpResponse response, string serverId) =>
        response.Headers.WWWAuthenticate = resources.OfPath($"{Mcp.McpEndpoint.Prefix}/{serverId}") is { } resource
            ? $"Bearer error=\"insufficient_scope\", scope=\"{resource.Scope}\", resource_metadata=\"{resources.MetadataOf(resource)}\""
            : "Bearer error=\"insufficient_scope\"";

    /// <summary>401 and 403 of the registry.</summary>
    /// <param name="error">Code of RFC 6750, section 3.1; null when no credential came.</param>
    public void ChallengeRegistry(HttpResponse response, string? error)
    {
        var resource = resources.OfPath(Registry.RegistryEndpoints.Prefix)!;
        response.Headers.WWWAuthenticate = $"Bearer {(error is null ? "" : $"error=\"{error}\", ")}resource_metadata=\"{resources.MetadataOf(resource)}\", scope=\"{resource.Scope}\"";
    }

    /// <summary>The same for every name of a server, also of one that does not exist: it tells nothing that a stranger may not know.</summary>
    private IResult Describe(string path) => resources.OfPath(path) is { } resource
        ? Results.Json(new Metadata(resource.Uri, [resources.Issuer], [resource.Scope], ["header"]), ManagementJson.Options)
        : ManagementProblems.Problem(StatusCodes.Status404NotFound, "Not found", $"'{path}' is no protected resource of this platform. MCP servers are at {Mcp.McpEndpoint.Prefix}/{{id}}.");

    private sealed record Metadata(
        [property: JsonPropertyName("resource")] string Resource,
        [property: JsonPropertyName("authorization_servers")] string[] AuthorizationServers,
        [property: JsonPropertyName("scopes_supported")] string[] ScopesSupported,
        [property: JsonPropertyName("bearer_methods_supported")] string[] BearerMethodsSupported);
}
