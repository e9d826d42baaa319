using System.Collections.Immutable;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Obot.Grains.Encryption.Azure;

/// <summary>
/// Key Vault's way to a token: the first request goes out without body and token, the 401 says who issues tokens and for what
/// (<c>WWW-Authenticate: Bearer authorization="…", resource="…"</c>). A vault that asks for a token of somebody else gets none.
/// </summary>
internal sealed class VaultChallengePolicy(TokenCredential credential) : BearerTokenAuthenticationPolicy(credential, "https://vault.azure.net/.default")
{
    private TokenRequestContext? known;

    protected override ValueTask AuthorizeRequestAsync(HttpMessage message)
    {
        if (known is { } context)
        {
            return AuthenticateAndAuthorizeRequestAsync(message, context);
        }

        Stash(message);
        return default;
    }

    protected override void AuthorizeRequest(HttpMessage message)
    {
        if (known is { } context)
        {
            AuthenticateAndAuthorizeRequest(message, context);
            return;
        }

        Stash(message);
    }

    protected override async ValueTask<bool> AuthorizeRequestOnChallengeAsync(HttpMessage message)
    {
        if (Understand(message) is not { } context)
        {
            return false;
        }

        known = context;
        Unstash(message);
        await AuthenticateAndAuthorizeRequestAsync(message, context);
        return true;
    }

    protected override bool AuthorizeRequestOnChallenge(HttpMessage message)
    {
        if (Understand(message) is not { } context)
        {
            return false;
        }

        known = context;
        Unstash(message);
        AuthenticateAndAuthorizeRequest(message, context);
        return true;
    }

    /// <summary>The body is a key: it goes to whoever knows what to do with our token, later.</summary>
    private static void Stash(HttpMessage message)
    {
        if (message.Request.Content is { } content)
        {
            message.SetProperty(typeof(VaultChallengePolicy), content);
            message.Request.Content = null;
        }
    }

    private static void Unstash(HttpMessage message)
    {
        if (message.Request.Content is null && message.TryGetProperty(typeof(VaultChallengePolicy), out var content))
        {
            message.Request.Content = content as RequestContent;
        }
    }

    private static TokenRequestContext? Understand(HttpMessage message)
    {
        if (!message.Response.Headers.TryGetValue("WWW-Authenticate", out var header) || !header!.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        var parts = header["Bearer ".Length..].Split(',', StringSplitOptions.TrimEntries)
            .Select(part => part.Split('=', 2))
            .Where(part => part.Length == 2)
            .ToImmutableDictionary(part => part[0], part => part[1].Trim('"'), StringComparer.OrdinalIgnoreCase);
        var resource = parts.GetValueOrDefault("resource") ?? parts.GetValueOrDefault("scope");
        if (!Uri.TryCreate(resource, UriKind.Absolute, out var audience) || !IsOf(message.Request.Uri.Host!, audience.Host))
        {
            return null;
        }

        var tenant = Uri.TryCreate(parts.GetValueOrDefault("authorization") ?? parts.GetValueOrDefault("authorization_uri"), UriKind.Absolute, out var authority)
            ? authority.Segments.ElementAtOrDefault(1)?.Trim('/')
            : null;
        var scope = resource!.EndsWith("/.default", StringComparison.Ordinal) ? resource : resource.TrimEnd('/') + "/.default";
        return new([scope], message.Request.ClientRequestId, tenantId: tenant);
    }

    private static bool IsOf(string host, string domain) =>
        host.Equals(domain, StringComparison.OrdinalIgnoreCase) || host.EndsWith("." + domain, StringComparison.OrdinalIgnoreCase);
}
