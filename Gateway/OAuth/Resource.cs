using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;
using Obot.Gateway.Mcp;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Gateway.OAuth;

/// <summary>What a token is for (RFC 8707): an MCP server, the registry, the management API or the LLM gateway of this platform.</summary>
/// <param name="Uri">The resource indicator; audience of the token.</param>
/// <param name="Scope">The one scope of ours that makes sense there.</param>
/// <param name="ServerId">The server, when it is one.</param>
internal sealed record Resource(string Uri, string Scope, string? ServerId);

/// <summary>Reads and writes resource indicators. Built on the configured public URL, never on a request's host.</summary>
internal sealed class Resources(IOptions<AddressOptions> addresses)
{
    private const string MetadataPath = "/.well-known/oauth-protected-resource";
    private const int MaxServerId = 200;

    private readonly string publicUrl = addresses.Value.EffectivePublicUrl;

    /// <summary>The issuer; without a trailing slash.</summary>
    public string Issuer => publicUrl;

    public string OfServer(string serverId) => $"{publicUrl}{McpEndpoint.Prefix}/{serverId}";

    /// <summary>Where the metadata of a resource is: the path is inserted behind the well-known name (RFC 9728, section 3.1).</summary>
    public string MetadataOf(Resource resource) => $"{publicUrl}{MetadataPath}{resource.Uri[publicUrl.Length..]}";

    public bool TryParse(string? uri, [NotNullWhen(true)] out Resource? resource)
    {
        resource = uri is not null && uri.StartsWith(publicUrl, StringComparison.Ordinal) ? OfPath(uri[publicUrl.Length..]) : null;
        return resource is not null;
    }

    /// <summary>Null when nothing of ours stands at that path.</summary>
    public Resource? OfPath(string path) => path.TrimEnd('/') switch
    {
        "/v0.1" or "/v0.1/servers" => new(publicUrl + path.TrimEnd('/'), Scopes.Registry, null),
        "/api" => new($"{publicUrl}/api", Scopes.Api, null),
        "/api/llm-proxy" => new($"{publicUrl}/api/llm-proxy", Scopes.Llm, null),
        var other when other.StartsWith(McpEndpoint.Prefix + "/", StringComparison.Ordinal) && IsServerId(other[(McpEndpoint.Prefix.Length + 1)..]) =>
            new(publicUrl + other, Scopes.Mcp, other[(McpEndpoint.Prefix.Length + 1)..]),
        _ => null,
    };

    private static bool IsServerId(string text) =>
        text.Length is > 0 and <= MaxServerId && char.IsAsciiLetterOrDigit(text[0]) && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
}
