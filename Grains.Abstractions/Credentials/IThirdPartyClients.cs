using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Credentials;

/// <summary>
/// Port: OAuth clients that an administrator got from a provider without registration (<c>remoteConfig.staticOAuthRequired</c>), one a server.
/// The secret is write-only.
/// </summary>
public interface IThirdPartyClients
{
    /// <summary>Null when there is no such server for the caller; a view without a client id when none is set.</summary>
    /// <exception cref="NotAllowedException">The caller does not manage the server.</exception>
    Task<ThirdPartyClientView?> Find(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Sets or replaces it. Accounts that were connected with another client have to be connected again.</summary>
    /// <exception cref="InvalidInputException">A value is missing or wrong.</exception>
    /// <exception cref="NotAllowedException">The caller does not manage the server.</exception>
    Task<ThirdPartyClientView?> Set(Principal caller, string serverId, ThirdPartyClient client, CancellationToken cancellationToken);

    /// <summary>False when there was none; null when there is no such server.</summary>
    /// <exception cref="NotAllowedException">The caller does not manage the server.</exception>
    Task<bool?> Remove(Principal caller, string serverId, CancellationToken cancellationToken);
}

/// <summary>Body of <c>POST /api/mcp-servers/{id}/oauth-credentials</c>.</summary>
public sealed record ThirdPartyClient
{
    public string ClientID { get; init; } = "";

    /// <summary>Left out for a public client.</summary>
    public string? ClientSecret { get; init; }

    /// <summary>In place of a secret: a private key in PEM (P-256, P-384 or RSA), with which we sign who we are (<c>private_key_jwt</c>, RFC 7523 section 2.2).</summary>
    public string? PrivateKey { get; init; }

    /// <summary>Issuer that it belongs to; left out, the first one that the server names is bound to it.</summary>
    public string? Issuer { get; init; }

    /// <summary>
    /// How tokens come: <c>authorization_code</c> (default: each user signs in), <c>client_credentials</c> (one identity for everybody),
    /// <c>token_exchange</c> (RFC 8693) or <c>identity_assertion</c> (ID-JAG), the last two for each user by an assertion that we sign.
    /// </summary>
    public string? Grant { get; init; }

    /// <summary>Says nothing of the secret.</summary>
    public override string ToString() => $"client {ClientID}";
}

/// <param name="Configured">A client is set.</param>
/// <param name="HasSecret">With a secret or a private key.</param>
/// <param name="RedirectURL">What the provider has to know: where browsers come back to.</param>
public sealed record ThirdPartyClientView(bool Configured, string? ClientID, bool HasSecret, string? Issuer, string Grant, string RedirectURL);
