namespace Obot.Grains.Abstractions.Security;

/// <summary>
/// Port: changes that every silo has to know within a second. Each is committed with a monotonic revision in the transaction of
/// the change itself, announced by <c>LISTEN/NOTIFY</c> and found by a 500 ms poll where the announcement was lost.
/// </summary>
public interface ISecurityFeed
{
    /// <summary>Last revision applied on this silo.</summary>
    long Revision { get; }

    /// <summary>How long ago this silo last knew that it was up to date.</summary>
    TimeSpan Staleness { get; }

    /// <summary>Calls <paramref name="handler"/> for every change after now, in order. Dispose to stop.</summary>
    IDisposable Subscribe(Action<SecurityChange> handler);
}

/// <param name="Kind">One of <see cref="SecurityChangeKinds"/>.</param>
/// <param name="Subject">Id of what changed.</param>
public sealed record SecurityChange(long Revision, string Kind, string Subject);

public static class SecurityChangeKinds
{
    /// <summary>An API key was revoked.</summary>
    public const string ApiKey = "api-key";

    /// <summary>A user's role, groups, add-ons or standing changed, or the user is gone. The subject is the user's id.</summary>
    public const string User = "user";

    /// <summary>A sign-in session ended. The subject is its id.</summary>
    public const string Session = "session";

    /// <summary>What a client was granted was taken back: consent, refresh token family. The subject is the grant's id.</summary>
    public const string Grant = "grant";

    /// <summary>An identity provider was made, changed or removed.</summary>
    public const string AuthProvider = "auth-provider";

    /// <summary>An access rule was made, changed or removed.</summary>
    public const string AccessRule = "access-rule";

    /// <summary>A filter was made, changed or removed.</summary>
    public const string Filter = "filter";

    /// <summary>A server was made, changed or removed.</summary>
    public const string Server = "server";

    /// <summary>
    /// Tokens or values that go to a server were changed or taken away. The subject is <c>serverId/userId</c>, or the server's id for all of
    /// its users.
    /// </summary>
    public const string Credential = "credential";

    /// <summary>A signing key was added or retired.</summary>
    public const string SigningKey = "signing-key";

    /// <summary>Providers of models, models, aliases, model policies or budgets changed. The subject is the id of what changed.</summary>
    public const string Llm = "llm";

    /// <summary>A data key of encryption at rest was added, superseded or retired.</summary>
    public const string DataKey = "data-key";

    /// <summary>
    /// Changes may have been missed (first contact with the database, or a gap longer than the feed's memory of a day): forget
    /// everything that was learned from earlier ones. The subject is <c>*</c>.
    /// </summary>
    public const string Everything = "everything";
}
