using Obot.Grains.Credentials.Authorization;

namespace Obot.Grains.Credentials;

/// <summary>
/// What a credential grain writes down, encrypted by the storage below it. JSON: members may be added, and get their default when an older
/// release wrote the row; none is ever renamed or given another meaning.
/// </summary>
internal sealed record CredentialState
{
    public Connection? Connection { get; init; }
    public PendingSignIn? SignIn { get; init; }
    public RefreshAttempt? Attempt { get; init; }

    /// <summary>Why the user has to sign in (again); null while a token is there or was never asked for.</summary>
    public string? Reason { get; init; }

    /// <summary>The server's last 401 or 403 (<c>WWW-Authenticate</c>), and the address that gave it.</summary>
    public KnownChallenge? Challenge { get; init; }

    /// <summary>The user said no at the third party: a client's own sign-in does not ask again for a while.</summary>
    public DateTimeOffset? DeclinedAt { get; init; }

    public StepUp? StepUp { get; init; }

    /// <summary>Says nothing of what it holds.</summary>
    public override string ToString() => nameof(CredentialState);
}

/// <summary>Tokens, and everything needed to renew and revoke them. Good only for the server address that they were made for.</summary>
internal sealed record Connection
{
    public required string ServerUrl { get; init; }
    public required string Resource { get; init; }
    public required string Issuer { get; init; }
    public required string TokenEndpoint { get; init; }
    public string? RevocationEndpoint { get; init; }
    public required string ClientId { get; init; }
    public string? ClientSecret { get; init; }
    public required string AuthMethod { get; init; }
    public required string AccessToken { get; init; }
    public string? RefreshToken { get; init; }

    /// <summary>Null when the third party does not say.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>From here on it is renewed; null for what cannot expire or cannot be renewed.</summary>
    public DateTimeOffset? RenewAt { get; init; }
    public DateTimeOffset ReceivedAt { get; init; }
    public DateTimeOffset ConnectedAt { get; init; }
    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary>The grant that renews it without the user (<see cref="GrantKinds"/>); null for a refresh token or none.</summary>
    public string? Grant { get; init; }

    public override string ToString() => nameof(Connection);
}

/// <summary>A browser is on its way to the third party.</summary>
internal sealed record PendingSignIn
{
    public required string Nonce { get; init; }
    public required string Verifier { get; init; }
    public required string ServerUrl { get; init; }
    public required AuthorizationTarget Target { get; init; }
    public required string ClientId { get; init; }
    public string? ClientSecret { get; init; }
    public required string AuthMethod { get; init; }
    public required IReadOnlyList<string> Scopes { get; init; }
    public string? ReturnPath { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }

    public override string ToString() => nameof(PendingSignIn);
}

/// <summary>Written before a refresh token is sent.</summary>
/// <param name="Id">Of the activation that sends it.</param>
internal sealed record RefreshAttempt(string Id, DateTimeOffset StartedAt, DateTimeOffset Deadline);

internal sealed record KnownChallenge(string ServerUrl, string? Header, DateTimeOffset At);

/// <summary>Scopes that a denial named beyond those granted.</summary>
/// <param name="Granted">How often the user has granted more for it.</param>
internal sealed record StepUp(IReadOnlyList<string> Scopes, int Granted);

internal static class GrantKinds
{
    public const string TokenExchange = "token-exchange";
    public const string ClientCredentials = "client-credentials";
}
