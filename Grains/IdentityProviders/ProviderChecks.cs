using System.Text.Json.Nodes;
using Obot.Grains.Abstractions.IdentityProviders;

namespace Obot.Grains.IdentityProviders;

/// <summary>Looks at a provider from outside, as far as that goes without a person.</summary>
internal sealed class ProviderChecks(IHttpClientFactory clients)
{
    public const string ClientName = "obot-identity-provider-check";

    private static readonly (string Name, bool Required)[] Endpoints =
        [("authorization_endpoint", true), ("token_endpoint", true), ("jwks_uri", true), ("userinfo_endpoint", false)];

    /// <summary>The most that is read of an answer.</summary>
    public const int MaxAnswer = 1024 * 1024;

    public async Task<IReadOnlyList<AuthProviderFinding>> RunAsync(AuthProvider provider, string redirectUri, CancellationToken cancellationToken)
    {
        using var client = clients.CreateClient(ClientName);
        var findings = new List<AuthProviderFinding>();
        var http = new ProviderProbe(client, findings, cancellationToken);
        if (provider.Kind is AuthProviderKind.GitHub)
        {
            await GitHubAsync(http, provider, redirectUri);
        }
        else
        {
            await OidcAsync(http, provider, redirectUri);
        }

        return findings;
    }

    private static async Task OidcAsync(ProviderProbe http, AuthProvider provider, string redirectUri)
    {
        var address = $"{provider.Authority.TrimEnd('/')}/.well-known/openid-configuration";
        if (await http.JsonAsync("Discovery document", address) is not { } document)
        {
            return;
        }

        http.Add("Discovery document", FindingOutcome.Passed, $"{address} answers.");
        var issuer = Text(document, "issuer");
        http.Add(
            "Issuer",
            issuer == provider.Authority ? FindingOutcome.Passed : issuer?.TrimEnd('/') == provider.Authority.TrimEnd('/') ? FindingOutcome.Warning : FindingOutcome.Failed,
            issuer == provider.Authority ? $"'{issuer}', as configured." : $"The document says '{issuer}', configured is '{provider.Authority}'. Use exactly what the document says.");

        var endpoints = 0;
        foreach (var (name, required) in Endpoints)
        {
            endpoints += CheckEndpoint(http, document, name, required) ? 1 : 0;
        }

        if (endpoints == Endpoints.Length)
        {
            http.Add("Endpoints", FindingOutcome.Passed, "All there, and all https or on loopback.");
        }

        if (Text(document, "jwks_uri") is { } keys && IsSafe(keys) && await http.JsonAsync("Signing keys", keys) is { } set)
        {
            var count = (set["keys"] as JsonArray)?.OfType<JsonObject>().Count(key => Text(key, "use") is null or "sig") ?? 0;
            http.Add("Signing keys", count > 0 ? FindingOutcome.Passed : FindingOutcome.Failed, count > 0 ? $"{count} found." : "The key set has no signing key.");
        }

        Supports(http, document, "response_types_supported", ["code"], "Authorization code flow", FindingOutcome.Failed);
        Supports(http, document, "code_challenge_methods_supported", ["S256"], "PKCE", FindingOutcome.Warning);
        Supports(http, document, "scopes_supported", provider.Settings.Scopes ?? [], "Scopes", FindingOutcome.Warning);
        if (provider.Secret.Length > 0 && document["token_endpoint_auth_methods_supported"] is JsonArray)
        {
            Supports(http, document, "token_endpoint_auth_methods_supported", ["client_secret_post"], "Client authentication", FindingOutcome.Failed);
        }

        if (Text(document, "token_endpoint") is { } token && IsSafe(token))
        {
            await CredentialsAsync(http, provider, redirectUri, token, accepted: ["invalid_grant"], refused: ["invalid_client", "unauthorized_client"]);
        }
    }

    private static async Task GitHubAsync(ProviderProbe http, AuthProvider provider, string redirectUri)
    {
        var addresses = GitHubAddresses.Of(provider.Authority);
        if (await http.StatusAsync("API", addresses.Api) is { } status)
        {
            http.Add("API", status < 500 ? FindingOutcome.Passed : FindingOutcome.Failed, $"{addresses.Api} answers {status}.");
        }

        await CredentialsAsync(
            http, provider, redirectUri, addresses.Token, accepted: ["bad_verification_code"], refused: ["incorrect_client_credentials", "Not Found", "redirect_uri_mismatch"]);
    }

    /// <summary>A code that cannot be right: an answer about the code means that the client was accepted.</summary>
    private static async Task CredentialsAsync(
        ProviderProbe http, AuthProvider provider, string redirectUri, string endpoint, string[] accepted, string[] refused)
    {
        const string Check = "Client id and secret";
        var form = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["grant_type"] = "authorization_code",
            ["code"] = "a-code-that-cannot-be-right",
            ["redirect_uri"] = redirectUri,
            ["code_verifier"] = new string('a', 64),
            ["client_id"] = provider.Settings.ClientId,
        };
        if (provider.Secret.Length > 0)
        {
            form["client_secret"] = provider.Secret;
        }

        if (await http.PostAsync(Check, endpoint, form) is not { } answer)
        {
            return;
        }

        var error = Text(answer, "error");
        if (accepted.Contains(error, StringComparer.Ordinal))
        {
            http.Add(Check, FindingOutcome.Passed, "The provider accepts them.");
        }
        else if (refused.Contains(error, StringComparer.Ordinal))
        {
            http.Add(Check, FindingOutcome.Failed, $"The provider refuses them ('{error}'). Check client id, secret and redirect URI {redirectUri}.");
        }
        else
        {
            http.Add(Check, FindingOutcome.Warning, $"The provider's answer ('{error ?? "no error"}') does not tell. The test sign-in will.");
        }
    }

    private static bool CheckEndpoint(ProviderProbe http, JsonObject document, string name, bool required)
    {
        if (Text(document, name) is not { } url)
        {
            http.Add(name, required ? FindingOutcome.Failed : FindingOutcome.Warning, required ? "The document does not name it." : "The document does not name it: all claims must be in the ID token.");
            return false;
        }

        if (!IsSafe(url))
        {
            http.Add(name, FindingOutcome.Failed, $"'{url}' is neither https nor on loopback.");
            return false;
        }

        return true;
    }

    private static void Supports(ProviderProbe http, JsonObject document, string name, IReadOnlyList<string> wanted, string check, FindingOutcome otherwise)
    {
        var supported = (document[name] as JsonArray)?.Select(node => node?.ToString() ?? "").ToList();
        IReadOnlyList<string> missing = supported is null ? wanted : [.. wanted.Except(supported, StringComparer.Ordinal)];
        if (missing.Count == 0)
        {
            http.Add(check, FindingOutcome.Passed, string.Join(", ", wanted));
        }
        else
        {
            http.Add(check, supported is null ? FindingOutcome.Warning : otherwise, $"{name} does not list {string.Join(", ", missing)}.");
        }
    }

    private static bool IsSafe(string url) => Uri.TryCreate(url, UriKind.Absolute, out var uri) && AuthProviderRules.IsSafe(uri);

    private static string? Text(JsonObject document, string name) => document[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
