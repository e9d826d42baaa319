using System.Text.RegularExpressions;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <summary>What a provider must look like; fills in what follows from its preset.</summary>
internal static partial class AuthProviderRules
{
    private const int MostScopes = 30;
    private const int MostDomains = 200;

    /// <param name="draft">As someone wants it.</param>
    /// <param name="secret">The secret that is there when the draft has none.</param>
    /// <param name="publicUrl">Decides whether <c>form_post</c> can work.</param>
    /// <exception cref="InvalidInputException">Names the field and what is allowed.</exception>
    public static AuthProvider Complete(AuthProviderDraft draft, string? secret, Uri publicUrl)
    {
        if (!IdForm().IsMatch(draft.Id))
        {
            throw new InvalidInputException("id", "Must be 1 to 40 of a–z, 0–9 and '-', beginning with a letter; it becomes part of the redirect URI.");
        }

        var preset = AuthProviderPresets.Find(draft.Settings.Preset)
            ?? throw new InvalidInputException("settings.preset", $"There is no preset '{draft.Settings.Preset}'. Allowed: {string.Join(", ", AuthProviderPresets.All.Select(one => $"'{one.Id}'"))}.");
        var name = draft.Name?.Trim() is { Length: > 0 } given ? given : preset.Name;
        Check(name.Length <= 60 && !name.Any(char.IsControl), "name", "Must be a text of 1 to 60 characters without control characters.");
        var authority = Authority(draft.Settings, preset);
        Check(draft.Settings.ClientId.Trim().Length is > 0 and <= 300, "settings.clientId", "Required: the id that the provider gave to this installation.");
        Check((draft.ClientSecret?.Length ?? 0) <= 4000, "clientSecret", "At most 4,000 characters.");
        var scopes = Scopes(draft.Settings, preset);
        var domains = Domains(draft.Settings);
        var claim = draft.Settings.GroupsClaim?.Trim() is { Length: > 0 } path ? path : preset.GroupsClaim;
        Check(claim.Length <= 200 && !claim.Any(char.IsControl), "settings.groupsClaim", "Must be the name of a claim or a dotted path, e.g. 'groups' or 'realm_access.roles'.");
        var mode = draft.Settings.ResponseMode ?? "query";
        Check(mode is "query" or "form_post", "settings.responseMode", "Allowed: 'query', 'form_post'.");
        Check(
            mode == "query" || publicUrl.Scheme == Uri.UriSchemeHttps,
            "settings.responseMode",
            "'form_post' comes from the provider's own page, and browsers send our cookies with that over https only: Obot:PublicUrl would have to be https. Use 'query'.");
        Check(mode == "query" || preset.Kind is AuthProviderKind.Oidc, "settings.responseMode", "GitHub knows 'query' only.");
        return new(
            draft.Id,
            preset.Kind,
            name,
            draft.Enabled,
            draft.Settings with
            {
                Preset = preset.Id, Authority = authority, ClientId = draft.Settings.ClientId.Trim(), Scopes = scopes, GroupsClaim = claim, AllowedEmailDomains = domains, ResponseMode = mode,
            },
            draft.ClientSecret ?? secret ?? "");
    }

    /// <summary>TLS, or not over a network at all (RFC 6749, section 3.1.2.1; OpenID Connect Core, section 16.17).</summary>
    public static bool IsSafe(Uri url) => url.Scheme == Uri.UriSchemeHttps || (url.Scheme == Uri.UriSchemeHttp && url.IsLoopback);

    private static string Authority(AuthProviderSettings settings, AuthProviderPreset preset)
    {
        var authority = settings.PresetValues is { Count: > 0 } || settings.Authority is not { Length: > 0 } written
            ? AuthProviderPresets.AuthorityOf(preset, settings.PresetValues ?? new Dictionary<string, string>(StringComparer.Ordinal))
            : written.Trim();
        return Uri.TryCreate(authority, UriKind.Absolute, out var url) && IsSafe(url) && url.UserInfo.Length == 0 && url.Query.Length == 0 && url.Fragment.Length == 0
            ? authority
            : throw new InvalidInputException("settings.authority", $"'{authority}' must be an https URL without query and fragment (http on loopback only).");
    }

    private static IReadOnlyList<string> Scopes(AuthProviderSettings settings, AuthProviderPreset preset)
    {
        IReadOnlyList<string> usual = preset.Kind is AuthProviderKind.GitHub ? ["read:user", "user:email", "read:org"] : ["openid", "profile", "email"];
        var scopes = settings.Scopes is { Count: > 0 } own ? [.. own.Select(scope => scope.Trim()).Where(scope => scope.Length > 0).Distinct(StringComparer.Ordinal)] : usual;
        Check(scopes.Count <= MostScopes && scopes.All(scope => ScopeForm().IsMatch(scope)), "settings.scopes", "Each must be one word without blanks (RFC 6749, section 3.3).");
        Check(preset.Kind is not AuthProviderKind.Oidc || scopes.Contains("openid", StringComparer.Ordinal), "settings.scopes", "Must contain 'openid'.");
        return scopes;
    }

    private static string[]? Domains(AuthProviderSettings settings)
    {
        string[] domains = [.. (settings.AllowedEmailDomains ?? []).Select(domain => domain.Trim().TrimStart('@').ToLowerInvariant()).Where(domain => domain.Length > 0).Distinct(StringComparer.Ordinal)];
        Check(domains.Length <= MostDomains && domains.All(domain => DomainForm().IsMatch(domain)), "settings.allowedEmailDomains", "Each must be a domain such as 'example.com'; subdomains are not included.");
        return domains.Length == 0 ? null : domains;
    }

    private static void Check(bool good, string field, string message)
    {
        if (!good)
        {
            throw new InvalidInputException(field, message);
        }
    }

    [GeneratedRegex("^[a-z][a-z0-9-]{0,39}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex IdForm();

    [GeneratedRegex(@"^[\x21\x23-\x5B\x5D-\x7E]{1,200}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ScopeForm();

    [GeneratedRegex("^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DomainForm();
}
