using Orleans.Concurrency;

namespace Obot.Grains.Abstractions.Credentials;

/// <summary>
/// The credentials of one user for one server (key: <c>serverId/userId</c>): tokens of a third party's authorization server and the sign-in
/// under way there. A hundred callers with an expired token are one refresh; the attempt is written down before it is made, so that a
/// second activation never sends the same refresh token beside it.
/// </summary>
public interface ICredentialGrain : IGrainWithStringKey
{
    /// <summary>
    /// What the guard puts into the user's calls, encrypted to the guard's own key; or what the user has to do first. Refreshes where needed.
    /// </summary>
    [Alias("Exchange"), AlwaysInterleave, ResponseTimeout("00:00:35")]
    Task<ExchangeOutcome> Exchange(ExchangeDemand demand);

    /// <summary>Begins a sign-in at the third party: discovers its authorization server and makes us known there where needed.</summary>
    /// <param name="returnPath">Path of ours to which the browser goes afterwards.</param>
    [Alias("Connect"), AlwaysInterleave, ResponseTimeout("00:00:45")]
    Task<ConnectOutcome> Connect(string? returnPath);

    /// <summary>The browser is back from the third party (OAuth 2.1 section 4.1.2).</summary>
    [Alias("Complete"), AlwaysInterleave, ResponseTimeout("00:00:35")]
    Task<ConnectOutcome> Complete(AuthorizationReturn answer);

    /// <summary>As it stands; asks nobody.</summary>
    [Alias("Find"), AlwaysInterleave]
    Task<ConnectionView> Find();

    /// <summary>Whether a call would be asked to connect an account; may ask the server once.</summary>
    [Alias("NeedsAccount"), AlwaysInterleave, ResponseTimeout("00:00:20")]
    Task<bool> NeedsAccount();

    /// <summary>Revokes the tokens where that is possible (RFC 7009) and forgets them in any case. False when there was nothing.</summary>
    [Alias("Disconnect"), AlwaysInterleave, ResponseTimeout("00:00:20")]
    Task<bool> Disconnect();
}

/// <param name="GuardKey">P-256 public key (SubjectPublicKeyInfo) that the answer is encrypted to.</param>
/// <param name="Denied">The server's denial that made the guard ask again; null for the first question.</param>
[GenerateSerializer, Immutable, Alias("Obot.ExchangeDemand")]
public sealed record ExchangeDemand([property: Id(0)] byte[] GuardKey, [property: Id(1)] ServerDenial? Denied);

/// <param name="Status">401 or 403.</param>
/// <param name="Challenge"><c>WWW-Authenticate</c> of the answer.</param>
/// <param name="TokenHash">SHA-256 (base64url) of the token that was denied; null when none was sent.</param>
[GenerateSerializer, Immutable, Alias("Obot.ServerDenial")]
public sealed record ServerDenial([property: Id(0)] int Status, [property: Id(1)] string Challenge, [property: Id(2)] string? TokenHash);

/// <summary>Exactly one of <see cref="Sealed"/> and <see cref="Error"/> is there.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ExchangeOutcome")]
public sealed record ExchangeOutcome
{
    /// <summary>JWE for the guard.</summary>
    [Id(0)] public string? Sealed { get; init; }

    /// <summary>How long the guard may keep it.</summary>
    [Id(1)] public TimeSpan GoodFor { get; init; }

    /// <summary>Error code of the exchange (Shim.Contracts, <c>ExchangeErrors</c>).</summary>
    [Id(2)] public string? Error { get; init; }

    /// <summary>For the person who called.</summary>
    [Id(3)] public string? Description { get; init; }
}

/// <param name="Nonce">The secret part of <c>state</c>.</param>
/// <param name="Code">Authorization code; null when the third party refused.</param>
/// <param name="Issuer"><c>iss</c> (RFC 9207); null when it did not come.</param>
/// <param name="Error">Error code of the third party.</param>
/// <param name="ErrorDescription">Its words.</param>
[GenerateSerializer, Immutable, Alias("Obot.AuthorizationReturn")]
public sealed record AuthorizationReturn(
    [property: Id(0)] string Nonce, [property: Id(1)] string? Code, [property: Id(2)] string? Issuer, [property: Id(3)] string? Error, [property: Id(4)] string? ErrorDescription)
{
    public override string ToString() => nameof(AuthorizationReturn);
}

/// <summary>Where the browser goes, or why it cannot go on.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ConnectOutcome")]
public sealed record ConnectOutcome
{
    /// <summary>The third party's authorization endpoint with everything that it needs; null when nothing is to be done there.</summary>
    [Id(0)] public string? Url { get; init; }

    /// <summary>Path of ours to return to.</summary>
    [Id(1)] public string? ReturnPath { get; init; }

    /// <summary>Why it failed, for a person.</summary>
    [Id(2)] public string? Fault { get; init; }

    /// <summary>The server asks for no account.</summary>
    [Id(3)] public bool NotNeeded { get; init; }

    /// <summary>Secret part of the <c>state</c> that <see cref="Url"/> still lacks.</summary>
    [Id(4)] public string? Nonce { get; init; }

    public override string ToString() => Fault ?? nameof(ConnectOutcome);
}

/// <summary>What a user has at a third party, without secrets.</summary>
[GenerateSerializer, Immutable, Alias("Obot.ConnectionView")]
public sealed record ConnectionView
{
    /// <summary>There is a token, or a way to a new one without the user.</summary>
    [Id(0)] public bool Connected { get; init; }

    /// <summary>The server is known to want an account.</summary>
    [Id(1)] public bool Required { get; init; }

    /// <summary>Issuer of the third party's authorization server.</summary>
    [Id(2)] public string? Issuer { get; init; }
    [Id(3)] public IReadOnlyList<string> Scopes { get; init; } = [];
    [Id(4)] public DateTimeOffset? ConnectedAt { get; init; }

    /// <summary>Of the access token; it is renewed before then.</summary>
    [Id(5)] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Why the user has to sign in again.</summary>
    [Id(6)] public string? Reason { get; init; }
}
