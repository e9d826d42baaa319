namespace Obot.Grains.Abstractions.IdentityProviders;

/// <summary>What is asked for a provider of a known kind, and how its authority follows from that.</summary>
/// <param name="Id">As in <see cref="AuthProviderSettings.Preset"/>.</param>
/// <param name="Name">Of the product.</param>
/// <param name="Fields">What is asked, in order.</param>
/// <param name="Authority">With <c>{field}</c> for each field.</param>
/// <param name="GroupsClaim">Where its groups usually are.</param>
/// <param name="Hint">What to do at the provider, in a sentence or two.</param>
public sealed record AuthProviderPreset(
    string Id, string Name, AuthProviderKind Kind, IReadOnlyList<AuthProviderField> Fields, string Authority, string GroupsClaim, string Hint);

/// <param name="Default">Value when left out; null for a required field.</param>
public sealed record AuthProviderField(string Id, string Label, string Example, string? Default = null);

/// <summary>The providers that the console knows by name.</summary>
public static class AuthProviderPresets
{
    public const string Generic = "oidc";

    public static IReadOnlyList<AuthProviderPreset> All { get; } =
    [
        new(Generic, "OpenID Connect", AuthProviderKind.Oidc, [new("issuer", "Issuer URL", "https://idp.example.com")], "{issuer}", "groups",
            "Register a confidential web client that uses the authorization code flow, and allow the redirect URI below."),
        new("keycloak", "Keycloak", AuthProviderKind.Oidc, [new("url", "Keycloak URL", "https://keycloak.example.com"), new("realm", "Realm", "main")],
            "{url}/realms/{realm}", "groups",
            "Make an OpenID Connect client with client authentication on. Add a mapper 'Group Membership' named groups (full path off, ID token on) to its dedicated scope."),
        new("auth0", "Auth0", AuthProviderKind.Oidc, [new("domain", "Domain", "example.eu.auth0.com")], "https://{domain}/", "https://obot/groups",
            "Make a Regular Web Application. Groups need an Action that sets the claim https://obot/groups on the ID token."),
        new("okta", "Okta", AuthProviderKind.Oidc, [new("domain", "Okta domain", "example.okta.com"), new("server", "Authorization server", "default", "default")],
            "https://{domain}/oauth2/{server}", "groups",
            "Make an OIDC Web Application. Add a claim groups (value type Groups, filter .*) to the authorization server's ID token."),
        new("entra", "Microsoft Entra ID", AuthProviderKind.Oidc, [new("tenant", "Directory (tenant) ID", "00000000-0000-0000-0000-000000000000")],
            "https://login.microsoftonline.com/{tenant}/v2.0", "groups",
            "Register an application (this directory only) with a Web redirect URI. Token configuration: add the groups claim (groups assigned to the application) and the optional claim email."),
        new("google", "Google", AuthProviderKind.Oidc, [], "https://accounts.google.com", "groups",
            "Make an OAuth client of type Web application. Google sends no groups; name your domains below, or every Google account can sign in."),
        new("github", "GitHub", AuthProviderKind.GitHub, [new("url", "GitHub URL", "https://github.com", "https://github.com")], "{url}", "groups",
            "Register an OAuth App. Organizations and teams become groups (org and org/team) where the organization has approved the app."),
    ];

    /// <summary>Null when there is none of that id.</summary>
    public static AuthProviderPreset? Find(string? id) => All.FirstOrDefault(preset => preset.Id == (string.IsNullOrEmpty(id) ? Generic : id));

    /// <summary>The authority that follows from what was filled in.</summary>
    /// <exception cref="InvalidInputException">A field is missing or does not belong there.</exception>
    public static string AuthorityOf(AuthProviderPreset preset, IReadOnlyDictionary<string, string> values)
    {
        var authority = preset.Authority;
        foreach (var field in preset.Fields)
        {
            var value = values.GetValueOrDefault(field.Id)?.Trim() is { Length: > 0 } given ? given : field.Default;
            if (value is null || value.Length > 300 || value.Any(char.IsWhiteSpace))
            {
                throw new InvalidInputException($"settings.presetValues.{field.Id}", $"Required for {preset.Name}: {field.Label}, e.g. '{field.Example}'.");
            }

            authority = authority.Replace($"{{{field.Id}}}", IsUrl(field) ? value.TrimEnd('/') : value.Trim('/'), StringComparison.Ordinal);
        }

        return authority;
    }

    private static bool IsUrl(AuthProviderField field) => field.Id is "url" or "issuer";
}
