namespace Obot.Grains.Abstractions.Sessions;

/// <summary>
/// One sign-in session. The key is <see cref="SessionKey.IdOf"/> of the session key, which only the cookie holds: who reads tables, logs
/// or grain keys cannot sign in with what they find. Owns user, expiry and revocation; row of <c>user_sessions</c> is its index.
/// </summary>
public interface IUserSessionGrain : IGrainWithStringKey
{
    /// <summary>Writes the session down. Refused when there is one already.</summary>
    [Alias("Start")]
    Task Start(UserSession session);

    /// <summary>The session, which counts as used now; null when it has ended, expired, or never was.</summary>
    [Alias("Use")]
    Task<UserSession?> Use();

    /// <summary>Ends the session everywhere within a second. False when there was none.</summary>
    [Alias("End")]
    Task<bool> End();

    /// <summary>Ends the session if its time is over; otherwise the index learns when that will be.</summary>
    [Alias("Reap")]
    Task Reap();
}

/// <summary>A sign-in session.</summary>
/// <param name="Id">Key of the grain.</param>
/// <param name="UserId">Whose it is. Role and groups are the directory's, asked when the session is used.</param>
/// <param name="ProviderId">Identity provider, or <c>local</c>, <c>link</c>, <c>bootstrap</c>, <c>api-key</c>.</param>
/// <param name="Scopes">What the session is good for.</param>
/// <param name="ServerIds">The only servers that it reaches; null means all.</param>
/// <param name="KeyId">API key that it was opened with, and ends with; null for people who signed in as themselves.</param>
/// <param name="CreatedAt">When the person signed in.</param>
/// <param name="LastSeenAt">Last use that the grain knows of.</param>
/// <param name="EndsAt">Absolute expiry.</param>
/// <param name="UserAgent">Of the browser, cut to 300 characters.</param>
/// <param name="ClientIp">Address that the sign-in came from.</param>
[GenerateSerializer, Immutable, Alias("Obot.UserSession")]
public sealed record UserSession(
    [property: Id(0)] string Id,
    [property: Id(1)] string UserId,
    [property: Id(2)] string ProviderId,
    [property: Id(3)] IReadOnlyList<string> Scopes,
    [property: Id(4)] IReadOnlyList<string>? ServerIds,
    [property: Id(5)] string? KeyId,
    [property: Id(6)] DateTimeOffset CreatedAt,
    [property: Id(7)] DateTimeOffset LastSeenAt,
    [property: Id(8)] DateTimeOffset EndsAt,
    [property: Id(9)] string UserAgent,
    [property: Id(10)] string ClientIp);
