using System.Text.Json.Serialization;

namespace Obot.Shim.Contracts.Exchange;

/// <summary>The answer of the token endpoint (RFC 8693 section 2.2, RFC 6749 section 5.2).</summary>
public sealed record ExchangeAnswer
{
    /// <summary><see cref="InjectedCredentials"/> as JWE (RFC 7516), encrypted to the guard: nobody between grain and guard can read it.</summary>
    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    [JsonPropertyName("issued_token_type")]
    public string? IssuedTokenType { get; init; }

    [JsonPropertyName("token_type")]
    public string? TokenType { get; init; }

    /// <summary>Seconds for which the guard may keep it.</summary>
    [JsonPropertyName("expires_in")]
    public double? ExpiresIn { get; init; }

    [JsonPropertyName("error")]
    public string? Error { get; init; }

    /// <summary>For the person who called.</summary>
    [JsonPropertyName("error_description")]
    public string? ErrorDescription { get; init; }

    /// <summary>Where that person can do something about it.</summary>
    [JsonPropertyName("error_uri")]
    public string? ErrorUri { get; init; }
}

/// <summary>What a guard puts into the requests of one user to its server.</summary>
public sealed record InjectedCredentials
{
    /// <summary>Third party's access token, sent as <c>Authorization: Bearer</c>; null when there is none.</summary>
    public string? Token { get; init; }

    /// <summary>Header → value, prefix included.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; set; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>Says nothing of what it holds.</summary>
    public override string ToString() => nameof(InjectedCredentials);
}
