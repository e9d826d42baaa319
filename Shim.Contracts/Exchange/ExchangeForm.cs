namespace Obot.Shim.Contracts.Exchange;

/// <summary>
/// Names of the exchange (RFC 8693) that a guard makes at <c>/oauth/token</c> of the cluster's internal listener: client authentication by
/// RFC 7523, the caller's assertion as subject token.
/// </summary>
public static class ExchangeForm
{
    public const string Path = "/oauth/token";

    public const string GrantType = "grant_type";
    public const string TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    public const string ClientAssertionType = "client_assertion_type";
    public const string JwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    /// <summary>The guard's instance + generation credential.</summary>
    public const string ClientAssertion = "client_assertion";
    public const string SubjectToken = "subject_token";
    public const string SubjectTokenType = "subject_token_type";
    public const string Jwt = "urn:ietf:params:oauth:token-type:jwt";
    public const string AccessToken = "urn:ietf:params:oauth:token-type:access_token";

    /// <summary>Public key (P-256, SubjectPublicKeyInfo, base64url) that the answer is encrypted to; made by the guard at its start.</summary>
    public const string Key = "obot_key";

    /// <summary>What the server answered to the call in hand: 401 or 403.</summary>
    public const string DeniedStatus = "obot_denied_status";

    /// <summary>Its <c>WWW-Authenticate</c>.</summary>
    public const string DeniedChallenge = "obot_denied_challenge";

    /// <summary>SHA-256 (base64url) of the access token that it denied; absent when none was sent.</summary>
    public const string DeniedToken = "obot_denied_token";
}

/// <summary>Values of <c>error</c> in the answer.</summary>
public static class ExchangeErrors
{
    /// <summary>The user has to connect an account, or to grant more; <c>error_uri</c> says where.</summary>
    public const string InteractionRequired = "interaction_required";

    /// <summary>A required value is missing; <c>error_uri</c> is where it is entered.</summary>
    public const string ConfigurationRequired = "configuration_required";

    /// <summary>The server denies what nobody can grant.</summary>
    public const string AccessDenied = "access_denied";

    /// <summary>The third party's authorization server does not answer; later it may.</summary>
    public const string TemporarilyUnavailable = "temporarily_unavailable";
    public const string InvalidRequest = "invalid_request";
    public const string InvalidClient = "invalid_client";
    public const string InvalidGrant = "invalid_grant";
}
