using System.Text.Json;
using System.Text.Json.Serialization;

namespace Obot.Grains.Credentials.Authorization;

/// <summary>Protected-resource metadata (RFC 9728) as far as a client needs them.</summary>
internal sealed record ResourceMetadata
{
    public string? Resource { get; init; }
    public IReadOnlyList<string>? AuthorizationServers { get; init; }
    public IReadOnlyList<string>? ScopesSupported { get; init; }
}

/// <summary>Authorization server metadata (RFC 8414, OpenID Connect Discovery).</summary>
internal sealed record ServerMetadata
{
    public string? Issuer { get; init; }
    public string? AuthorizationEndpoint { get; init; }
    public string? TokenEndpoint { get; init; }
    public string? RegistrationEndpoint { get; init; }
    public string? RevocationEndpoint { get; init; }
    public IReadOnlyList<string>? ScopesSupported { get; init; }
    public IReadOnlyList<string>? GrantTypesSupported { get; init; }
    public IReadOnlyList<string>? TokenEndpointAuthMethodsSupported { get; init; }
    public IReadOnlyList<string>? CodeChallengeMethodsSupported { get; init; }
    public bool? ClientIdMetadataDocumentSupported { get; init; }

    [JsonPropertyName("authorization_response_iss_parameter_supported")]
    public bool? SendsIssuer { get; init; }
}

/// <summary>Answer of a registration endpoint (RFC 7591 section 3.2.1).</summary>
internal sealed record RegisteredClient
{
    public string? ClientId { get; init; }
    public string? ClientSecret { get; init; }

    /// <summary>Seconds since 1970; 0 never.</summary>
    public long? ClientSecretExpiresAt { get; init; }
    public string? TokenEndpointAuthMethod { get; init; }

    public override string ToString() => nameof(RegisteredClient);
}

/// <summary>Answer of a token endpoint (RFC 6749 section 5).</summary>
internal sealed record TokenAnswer
{
    public string? AccessToken { get; init; }
    public string? TokenType { get; init; }

    /// <summary>Seconds.</summary>
    public double? ExpiresIn { get; init; }
    public string? RefreshToken { get; init; }
    public string? Scope { get; init; }
    public string? Error { get; init; }
    public string? ErrorDescription { get; init; }

    public override string ToString() => nameof(TokenAnswer);
}

internal static class OAuthJson
{
    /// <summary>snake_case; a member that is there twice makes the document none.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        NumberHandling = JsonNumberHandling.AllowReadingFromString,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        AllowDuplicateProperties = false,
        MaxDepth = 16,
    };

    /// <summary>Null where the bytes are not such a document.</summary>
    public static T? Read<T>(byte[] body)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize<T>(body, Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
