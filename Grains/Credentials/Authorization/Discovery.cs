using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Obot.Grains.Abstractions.Outbound;
using Obot.Grains.Outbound;

namespace Obot.Grains.Credentials.Authorization;

/// <summary>
/// Finds the authorization server of an MCP server in the order of the specification (2026-07-28, Authorization): the challenge's
/// <c>resource_metadata</c>, the well-known addresses of RFC 9728, then RFC 8414 and OpenID Connect Discovery. A server of revision 2025-03-26
/// is its own authorization server. Every address that is found on the way passes <see cref="OutboundClient"/>.
/// </summary>
internal sealed class Discovery(OutboundClient http)
{
    private const int MaxDocument = 256 * 1024;
    private const string ResourcePath = "/.well-known/oauth-protected-resource";
    private const string ServerPath = "/.well-known/oauth-authorization-server";
    private const string OpenIdPath = "/.well-known/openid-configuration";
    private const string Probe = """{"jsonrpc":"2.0","id":1,"method":"ping"}""";

    /// <summary>What the server answers to somebody without a token: its challenge, or null when it does not deny.</summary>
    /// <exception cref="AuthorizationFault">It does not answer.</exception>
    public async Task<(bool Denies, string? Challenge)> ChallengeAsync(Uri server, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, server) { Content = new StringContent(Probe, Encoding.UTF8, "application/json") };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        try
        {
            var answer = await http.SendDeclaredAsync(request, MaxDocument, cancellationToken);
            return (answer.Status is HttpStatusCode.Unauthorized, answer.Challenge);
        }
        catch (OutboundRefusedException e)
        {
            throw new AuthorizationFault($"The server does not answer: {e.Message}", e);
        }
    }

    /// <param name="server">Address of the MCP server.</param>
    /// <param name="denies">It is known to answer 401.</param>
    /// <param name="header">Its <c>WWW-Authenticate</c>, if it is known.</param>
    /// <returns>Null when the server neither denies nor names an authorization server.</returns>
    /// <exception cref="AuthorizationFault">The metadata cannot be read, contradict each other, or lack what is mandatory.</exception>
    public async Task<AuthorizationTarget?> FindAsync(Uri server, bool denies, string? header, CancellationToken cancellationToken)
    {
        var challenge = BearerChallenge.Parse(header);
        var resource = await ResourceAsync(server, challenge?.ResourceMetadata, cancellationToken);
        if (resource is null)
        {
            return denies ? await OwnServerAsync(server, challenge, cancellationToken) : null;
        }

        if (resource.Resource is not { } name || !Covers(name, server))
        {
            throw new AuthorizationFault($"The server's metadata are about '{resource.Resource}', which is not this server ('{server}'). Its operator has to correct them.");
        }

        if (resource.AuthorizationServers is not [var issuer, ..])
        {
            throw new AuthorizationFault("The server's metadata name no authorization server.");
        }

        var metadata = await MetadataAsync(issuer, cancellationToken)
            ?? throw new AuthorizationFault($"The authorization server '{issuer}' publishes no metadata (RFC 8414, OpenID Connect Discovery).");
        var asked = challenge?.Scope is null ? resource.ScopesSupported : challenge.Scopes;
        return Target(name, issuer, metadata, asked);
    }

    private static AuthorizationTarget Target(string resource, string issuer, ServerMetadata metadata, IReadOnlyList<string>? scopes)
    {
        if (metadata.CodeChallengeMethodsSupported?.Contains("S256", StringComparer.Ordinal) is not true)
        {
            throw new AuthorizationFault($"The authorization server '{issuer}' does not say that it supports PKCE with S256, without which nothing is asked of it.");
        }

        return new()
        {
            Resource = resource,
            Issuer = issuer,
            AuthorizationEndpoint = Web(metadata.AuthorizationEndpoint, "authorization_endpoint", issuer),
            TokenEndpoint = Web(metadata.TokenEndpoint, "token_endpoint", issuer),
            RegistrationEndpoint = metadata.RegistrationEndpoint,
            RevocationEndpoint = metadata.RevocationEndpoint,
            Scopes = scopes,
            OffersRefresh = metadata.ScopesSupported?.Contains("offline_access", StringComparer.Ordinal) is true,
            AuthMethods = metadata.TokenEndpointAuthMethodsSupported,
            GrantTypes = metadata.GrantTypesSupported ?? [],
            TakesMetadataDocuments = metadata.ClientIdMetadataDocumentSupported is true,
            SendsIssuer = metadata.SendsIssuer is true,
        };
    }

    /// <summary>Revision 2025-03-26: the authorization base URL is the server's origin, with fixed endpoints where there are no metadata.</summary>
    private async Task<AuthorizationTarget> OwnServerAsync(Uri server, BearerChallenge? challenge, CancellationToken cancellationToken)
    {
        var issuer = server.GetLeftPart(UriPartial.Authority);
        var scopes = challenge?.Scope is null ? null : challenge.Scopes;
        return await MetadataAsync(issuer, cancellationToken) is { } metadata
            ? Target(server.AbsoluteUri, issuer, metadata, scopes)
            : new()
            {
                Resource = server.AbsoluteUri,
                Issuer = issuer,
                AuthorizationEndpoint = $"{issuer}/authorize",
                TokenEndpoint = $"{issuer}/token",
                RegistrationEndpoint = $"{issuer}/register",
                Scopes = scopes,
            };
    }

    private async Task<ResourceMetadata?> ResourceAsync(Uri server, string? named, CancellationToken cancellationToken)
    {
        var origin = server.GetLeftPart(UriPartial.Authority);
        if (named is not null)
        {
            return await GetAsync<ResourceMetadata>(named, origin, cancellationToken)
                ?? throw new AuthorizationFault($"The metadata that the server's challenge names cannot be read ('{named}').");
        }

        var path = server.AbsolutePath.TrimEnd('/');
        return (path.Length == 0 ? null : await GetAsync<ResourceMetadata>($"{origin}{ResourcePath}{path}", origin, cancellationToken))
            ?? await GetAsync<ResourceMetadata>($"{origin}{ResourcePath}", origin, cancellationToken);
    }

    /// <summary>Whose issuer is exactly the one that was asked for (RFC 8414 section 3.3): anything else may be somebody else's.</summary>
    private async Task<ServerMetadata?> MetadataAsync(string issuer, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(issuer, UriKind.Absolute, out var uri) || uri.Query.Length > 0 || uri.Fragment.Length > 0)
        {
            throw new AuthorizationFault($"'{issuer}' is no issuer: an https URL without query and fragment is one.");
        }

        var (origin, path) = (uri.GetLeftPart(UriPartial.Authority), uri.AbsolutePath.TrimEnd('/'));
        string[] places = path.Length == 0
            ? [$"{origin}{ServerPath}", $"{origin}{OpenIdPath}"]
            : [$"{origin}{ServerPath}{path}", $"{origin}{OpenIdPath}{path}", $"{origin}{path}{OpenIdPath}"];
        foreach (var place in places)
        {
            if (await GetAsync<ServerMetadata>(place, null, cancellationToken) is { } metadata)
            {
                return metadata.Issuer == issuer
                    ? metadata
                    : throw new AuthorizationFault($"'{place}' says that its issuer is '{metadata.Issuer}', not '{issuer}': it is not believed.");
            }
        }

        return null;
    }

    /// <summary>Null when there is no such document.</summary>
    /// <param name="declared">Origin that may be asked wherever it is.</param>
    private async Task<T?> GetAsync<T>(string address, string? declared, CancellationToken cancellationToken)
        where T : class
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || (uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != Uri.UriSchemeHttp))
        {
            throw new AuthorizationFault($"'{address}' is no https URL.");
        }

        using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Headers = { Accept = { new MediaTypeWithQualityHeaderValue("application/json") } } };
        try
        {
            var answer = uri.GetLeftPart(UriPartial.Authority) == declared
                ? await http.SendDeclaredAsync(request, MaxDocument, cancellationToken)
                : await http.SendAsync(request, MaxDocument, cancellationToken);
            return answer.Status is HttpStatusCode.OK ? OAuthJson.Read<T>(answer.Body)
                : (int)answer.Status < 500 ? null
                : throw new AuthorizationFault($"'{address}' answers {(int)answer.Status}.");
        }
        catch (OutboundRefusedException e)
        {
            throw new AuthorizationFault(e.Message, e);
        }
    }

    /// <summary>The same origin, and the server's path is the resource's or below it.</summary>
    private static bool Covers(string resource, Uri server)
    {
        if (!Uri.TryCreate(resource, UriKind.Absolute, out var uri) || uri.GetLeftPart(UriPartial.Authority) != server.GetLeftPart(UriPartial.Authority))
        {
            return false;
        }

        var path = uri.AbsolutePath.TrimEnd('/');
        return server.AbsolutePath.StartsWith(path, StringComparison.Ordinal) && (server.AbsolutePath.Length == path.Length || server.AbsolutePath[path.Length] == '/');
    }

    /// <summary>A browser is sent there, or a token request: never to <c>javascript:</c> and the like.</summary>
    private static string Web(string? address, string name, string issuer) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp) && uri.UserInfo.Length == 0
            ? address!
            : throw new AuthorizationFault($"The metadata of '{issuer}' have no good '{name}' ('{address}').");
}
