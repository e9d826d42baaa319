using System.Text.Json.Serialization;

namespace Obot.Gateway.OAuth.Clients;

/// <summary>What a client says of itself (RFC 7591, section 2), by registration or in a document of its own.</summary>
internal sealed record ClientMetadata
{
    [JsonPropertyName("client_id")]
    public string? ClientId { get; init; }

    [JsonPropertyName("client_secret")]
    public string? ClientSecret { get; init; }

    [JsonPropertyName("client_name")]
    public string? ClientName { get; init; }

    [JsonPropertyName("redirect_uris")]
    public IReadOnlyList<string>? RedirectUris { get; init; }

    [JsonPropertyName("token_endpoint_auth_method")]
    public string? TokenEndpointAuthMethod { get; init; }

    [JsonPropertyName("grant_types")]
    public IReadOnlyList<string>? GrantTypes { get; init; }

    [JsonPropertyName("response_types")]
    public IReadOnlyList<string>? ResponseTypes { get; init; }

    [JsonPropertyName("application_type")]
    public string? ApplicationType { get; init; }

    [JsonPropertyName("scope")]
    public string? Scope { get; init; }
}

/// <summary>A client that says something of itself that cannot be accepted.</summary>
/// <param name="error">Error code of RFC 7591, section 3.2.2.</param>
/// <param name="message">What is wrong, and what is allowed.</param>
internal sealed class ClientMetadataException(string error, string message) : Exception(message)
{
    public string Error { get; } = error;
}
