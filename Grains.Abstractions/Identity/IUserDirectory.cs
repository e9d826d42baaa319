namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: what a user may be believed to be right now. Asked when a credential is not in the verdict cache, never on the warm path.</summary>
public interface IUserDirectory
{
    /// <summary>Null when there is no such user, or the user is disabled.</summary>
    Task<UserStanding?> Find(string userId, CancellationToken cancellationToken);
}

/// <param name="UserId">Id of the user.</param>
/// <param name="Name">Display name.</param>
/// <param name="Role">The role in force.</param>
/// <param name="Auditor">Whether the auditor add-on is there.</param>
/// <param name="Groups">Ids of the groups that the user is in.</param>
public sealed record UserStanding(string UserId, string Name, Role Role, bool Auditor, IReadOnlyList<string> Groups)
{
    /// <summary>The principal behind a credential of this user.</summary>
    /// <param name="credentialId">Id of the key, session or grant.</param>
    /// <param name="scopes">What the credential is good for.</param>
    /// <param name="serverIds">The only servers that it reaches; null means all.</param>
    public Principal As(string credentialId, IReadOnlyList<string> scopes, IReadOnlyList<string>? serverIds = null) =>
        new(UserId, Role, credentialId, scopes, serverIds) { Groups = Groups, Auditor = Auditor };
}
