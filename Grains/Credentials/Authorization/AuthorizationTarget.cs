namespace Obot.Grains.Credentials.Authorization;

/// <summary>A third party's authorization server as discovery found it for one MCP server.</summary>
internal sealed record AuthorizationTarget
{
    /// <summary>Resource indicator (RFC 8707) as the protected-resource metadata names it; else the server's URL.</summary>
    public required string Resource { get; init; }

    /// <summary>Verified: it is the one that the metadata were read for.</summary>
    public required string Issuer { get; init; }
    public required string AuthorizationEndpoint { get; init; }
    public required string TokenEndpoint { get; init; }
    public string? RegistrationEndpoint { get; init; }
    public string? RevocationEndpoint { get; init; }

    /// <summary>What the server's challenge or its metadata ask for; null when neither says.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>The authorization server knows <c>offline_access</c>.</summary>
    public bool OffersRefresh { get; init; }
    public IReadOnlyList<string>? AuthMethods { get; init; }
    public IReadOnlyList<string> GrantTypes { get; init; } = [];
    public bool TakesMetadataDocuments { get; init; }

    /// <summary><c>authorization_response_iss_parameter_supported</c> (RFC 9207): then an answer without it is none.</summary>
    public bool SendsIssuer { get; init; }
}

/// <summary>Discovery or a third party's answer does not allow to go on; the message is for a person.</summary>
internal sealed class AuthorizationFault(string message, Exception? inner = null) : Exception(message, inner);
