namespace Obot.Data.Tables;

/// <summary>Table <c>third_party_clients</c>: who we are at the authorization server of one MCP server.</summary>
public sealed class ThirdPartyClientRow
{
    public required string ServerId { get; set; }

    /// <summary><c>static</c> (entered by an administrator) or <c>dynamic</c> (registered).</summary>
    public required string Kind { get; set; }

    /// <summary>What it is bound to; null for a static one that no issuer was seen for yet.</summary>
    public string? Issuer { get; set; }
    public required string ClientId { get; set; }

    /// <summary>Encrypted.</summary>
    public byte[]? ClientSecret { get; set; }

    /// <summary><c>token_endpoint_auth_method</c> that the registration answered.</summary>
    public string? AuthMethod { get; set; }
    public required DateTimeOffset CreatedAt { get; set; }

    /// <summary>Of the secret.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }
}

/// <summary>Table <c>third_party_connections</c>.</summary>
public sealed class ThirdPartyConnectionRow
{
    public required string ServerId { get; set; }
    public required string UserId { get; set; }
    public required string Issuer { get; set; }
    public required DateTimeOffset ConnectedAt { get; set; }
}

/// <summary>Table <c>third_party_servers</c>.</summary>
public sealed class ThirdPartyServerRow
{
    public required string ServerId { get; set; }
    public required long ManifestRevision { get; set; }
    public required bool WantsAccount { get; set; }
    public required DateTimeOffset AskedAt { get; set; }
}
