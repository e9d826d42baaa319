namespace Obot.Grains.Abstractions.IdentityProviders;

/// <summary>Which protocol an identity provider speaks.</summary>
public enum AuthProviderKind
{
    /// <summary>OpenID Connect Core 1.0: authorization code flow with PKCE.</summary>
    Oidc,

    /// <summary>GitHub's OAuth, of github.com or of a GitHub Enterprise Server.</summary>
    GitHub,
}

/// <summary>What administrators say about an identity provider; everything but its secret.</summary>
public sealed record AuthProviderSettings
{
    /// <summary>Id of one of <see cref="AuthProviderPresets.All"/>; <c>oidc</c> when left out.</summary>
    public string? Preset { get; init; }

    /// <summary>What the preset asks for, by field id; the authority follows from it.</summary>
    public IReadOnlyDictionary<string, string>? PresetValues { get; init; }

    /// <summary>Issuer URL of OpenID Connect, or base URL of a GitHub. Must be https, or http on loopback.</summary>
    public string? Authority { get; init; }
    public string ClientId { get; init; } = "";

    /// <summary>Default: <c>openid profile email</c>; for GitHub <c>read:user user:email read:org</c>.</summary>
    public IReadOnlyList<string>? Scopes { get; init; }

    /// <summary>Claim with the user's groups; a dotted path reaches into objects (<c>realm_access.roles</c>). Default <c>groups</c>.</summary>
    public string? GroupsClaim { get; init; }

    /// <summary>Domains whose addresses may sign in; null or empty lets everyone in whom the provider knows. Needs verified addresses.</summary>
    public IReadOnlyList<string>? AllowedEmailDomains { get; init; }

    /// <summary>Counts every address as verified where the provider does not say; for providers in which only administrators set addresses.</summary>
    public bool TrustEmail { get; init; }

    /// <summary>
    /// Whether clients get tokens for this provider's users by its identity assertions (enterprise-managed authorization, ID-JAG), without
    /// asking the users. Default false.
    /// </summary>
    public bool EnterpriseManaged { get; init; }

    /// <summary><c>query</c> (default) or <c>form_post</c>, which needs an https public URL.</summary>
    public string? ResponseMode { get; init; }
}

/// <summary>An identity provider with everything that sign-in needs. Never leaves the cluster: it holds the secret.</summary>
/// <param name="Id">Part of the redirect URI; 1 to 40 of a–z, 0–9, <c>-</c>.</param>
/// <param name="Settings">With defaults filled in.</param>
/// <param name="Secret">Client secret; empty for a public client.</param>
public sealed record AuthProvider(string Id, AuthProviderKind Kind, string Name, bool Enabled, AuthProviderSettings Settings, string Secret)
{
    public string Authority => Settings.Authority ?? "";

    public override string ToString() => $"{Kind} {Id}";
}

/// <summary>A button of the sign-in page.</summary>
public sealed record SignInChoice(string Id, string Name, string Preset);
