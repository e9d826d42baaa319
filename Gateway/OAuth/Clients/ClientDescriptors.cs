using System.Text.Json;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Obot.Gateway.OAuth.Clients;

/// <summary>Checks what a client says of itself and writes it as OpenIddict's application.</summary>
internal static class ClientDescriptors
{
    public const string RegisteredAt = "registered_at";
    private const string InvalidMetadata = "invalid_client_metadata";
    private const int MaxRedirects = 20;
    private const int MaxName = 200;

    /// <summary>What a client may use; others that it asks for are left out of the answer (RFC 7591, section 3.2.1).</summary>
    private static readonly string[] Grants = [GrantTypes.AuthorizationCode, GrantTypes.RefreshToken];

    /// <exception cref="ClientMetadataException">Something in it cannot be accepted.</exception>
    public static OpenIddictApplicationDescriptor Make(ClientMetadata metadata, string clientId)
    {
        var redirects = metadata.RedirectUris ?? [];
        if (redirects.Count is 0 or > MaxRedirects)
        {
            throw new ClientMetadataException("invalid_redirect_uri", $"redirect_uris must hold 1 to {MaxRedirects} URIs.");
        }

        foreach (var redirect in redirects)
        {
            if (RedirectUris.Fault(redirect) is { } fault)
            {
                throw new ClientMetadataException("invalid_redirect_uri", $"The redirect URI '{redirect}' {fault}.");
            }
        }

        var name = metadata.ClientName?.Trim();
        if (name is { Length: > MaxName } || name?.Any(char.IsControl) is true)
        {
            throw new ClientMetadataException(InvalidMetadata, $"client_name must be at most {MaxName} characters without control characters.");
        }

        if (metadata.ApplicationType is not (null or ApplicationTypes.Native or ApplicationTypes.Web))
        {
            throw new ClientMetadataException(InvalidMetadata, "application_type must be 'native' or 'web'.");
        }

        if (metadata.ResponseTypes is { } responses && !responses.Contains(ResponseTypes.Code, StringComparer.Ordinal))
        {
            throw new ClientMetadataException(InvalidMetadata, "response_types must contain 'code'.");
        }

        if (metadata.GrantTypes is { } asked && !asked.Contains(GrantTypes.AuthorizationCode, StringComparer.Ordinal))
        {
            throw new ClientMetadataException(InvalidMetadata, "grant_types must contain 'authorization_code'.");
        }

        var descriptor = new OpenIddictApplicationDescriptor
        {
            ClientId = clientId,
            ApplicationType = metadata.ApplicationType ?? (redirects.Any(RedirectUris.IsLoopback) ? ApplicationTypes.Native : ApplicationTypes.Web),
            ConsentType = ConsentTypes.Explicit,
            DisplayName = string.IsNullOrEmpty(name) ? null : name,
            Permissions =
            {
                Permissions.Endpoints.Authorization, Permissions.Endpoints.Token, Permissions.Endpoints.Revocation, Permissions.ResponseTypes.Code,
            },
            Requirements = { Requirements.Features.ProofKeyForCodeExchange },
        };
        descriptor.RedirectUris.UnionWith(redirects.Select(redirect => new Uri(redirect, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true })));
        descriptor.Permissions.UnionWith(GrantsOf(metadata).Select(grant => Permissions.Prefixes.GrantType + grant));
        return descriptor;
    }

    /// <summary>A client that does not say gets refresh tokens too: nearly all of them use them.</summary>
    public static IReadOnlyList<string> GrantsOf(ClientMetadata metadata) =>
        metadata.GrantTypes is { } asked ? [.. Grants.Intersect(asked, StringComparer.Ordinal)] : Grants;

    public static JsonElement Property(string value) => JsonSerializer.SerializeToElement(value);
}
