namespace Obot.Gateway.OAuth;

/// <summary>Section <c>Obot:OAuth</c>: the authorization server for MCP clients.</summary>
public sealed class OAuthOptions
{
    /// <summary>How long an access token is good for. Default 10 minutes.</summary>
    public TimeSpan AccessTokenLifetime { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a client may stay away before its user has to sign in again. Default 30 days, which is also the most.</summary>
    public TimeSpan RefreshTokenLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// For how long a refresh token that was used is taken once more instead of ending its family. Default 0: a second use is a replay.
    /// </summary>
    public TimeSpan RefreshReuseLeeway { get; set; }

    /// <summary>Dynamic registrations (RFC 7591) that one address may make in an hour, over all silos. Default 30; 0 switches registration off.</summary>
    public int RegistrationsPerHour { get; set; } = 30;

    /// <summary>Dynamic registrations that everybody together may make in an hour. Default 1,000.</summary>
    public int RegistrationsPerHourInAll { get; set; } = 1000;

    /// <summary>A dynamically registered client that nobody signed in with for so long is removed. Default 1 day.</summary>
    public TimeSpan UnusedClientLifetime { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Client id metadata documents: their hosts, exact or <c>*.example.com</c>; empty means any public host.</summary>
    public IList<string> ClientMetadataHosts { get; } = [];
}
