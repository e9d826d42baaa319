using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>
/// Port: users as administrators manage them. Every change is decided on what caller and user are at that moment, under a lock, and
/// reaches every silo within a second (<see cref="Security.SecurityChangeKinds.User"/>). All but <see cref="Me"/> need role
/// <see cref="Role.Admin"/> and a credential that is not bound to some servers (<see cref="NotAllowedException"/>).
/// </summary>
public interface IUsers
{
    /// <summary>The caller. Null when the user is gone.</summary>
    Task<UserDetails?> Me(Principal caller, CancellationToken cancellationToken);

    /// <summary>Ordered by creation, oldest first.</summary>
    /// <param name="limit">1 … 500.</param>
    /// <param name="cursor">Opaque, from an earlier page.</param>
    Task<Page<UserView>> List(Principal caller, UserQuery query, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    Task<UserDetails?> Find(Principal caller, string userId, CancellationToken cancellationToken);

    /// <summary>Makes a service account. Its role is at most the caller's.</summary>
    /// <exception cref="InvalidInputException">A field is missing or wrong; a group that does not exist or is an identity provider's.</exception>
    Task<UserDetails> Create(Principal caller, NewServiceAccount request, CancellationToken cancellationToken);

    /// <summary>Changes what is given. Null when there is no such user.</summary>
    /// <exception cref="NotAllowedException">
    /// A role above the caller's own; a user above the caller; the auditor add-on by anyone but an owner.
    /// </exception>
    /// <exception cref="ConflictException">
    /// The last owner would go; a user whose e-mail address has its role by configuration would get a lower one; the bootstrap user.
    /// </exception>
    Task<UserDetails?> Change(Principal caller, string userId, UserChange change, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the user with API keys, identities, sessions and their own instances of servers. False when there is no such user.
    /// </summary>
    /// <param name="servers">What becomes of the servers that the user owns.</param>
    /// <exception cref="NotAllowedException">A user above the caller.</exception>
    /// <exception cref="ConflictException">
    /// The last owner; a role by configuration; the bootstrap user; servers without a word about what becomes of them.
    /// </exception>
    /// <exception cref="InvalidInputException">The new owner of the servers is nobody who could own them.</exception>
    Task<bool> Remove(Principal caller, string userId, OwnedServers servers, CancellationToken cancellationToken);
}

/// <summary>What a user is.</summary>
public enum UserKind
{
    /// <summary>Signs in through an identity provider or with a password.</summary>
    Person,

    /// <summary>A program: API keys and client credentials, never a browser.</summary>
    Service,

    /// <summary>The owner behind the bootstrap token.</summary>
    System,
}

/// <summary>A search; what is left out does not narrow it.</summary>
public sealed record UserQuery
{
    /// <summary>Part of the name in any case, a whole e-mail address, or an id.</summary>
    public string? Text { get; init; }
    public Role? Role { get; init; }
    public UserKind? Kind { get; init; }
}

/// <summary>A change; null keeps what is there.</summary>
public sealed record UserChange
{
    public Role? Role { get; init; }
    public bool? Auditor { get; init; }
    public bool? Disabled { get; init; }

    /// <summary>1 to 100 characters.</summary>
    public string? Name { get; init; }
}

/// <summary>A service account to be made.</summary>
/// <param name="Name">1 to 100 characters.</param>
public sealed record NewServiceAccount(string Name)
{
    public Role Role { get; init; } = Role.Basic;

    /// <summary>Ids of groups that are kept by hand.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];
}

/// <summary>What becomes of the servers of a user who goes.</summary>
/// <param name="Delete">They are stopped and removed.</param>
/// <param name="NewOwnerId">They go to this user.</param>
public sealed record OwnedServers(bool Delete, string? NewOwnerId)
{
    /// <summary>The user stays while there are any.</summary>
    public static OwnedServers Refuse { get; } = new(false, null);
}

public record UserView
{
    /// <summary><see cref="RoleSource"/> of a role that an administrator chose, or that new users got at their first sign-in.</summary>
    public const string Assigned = "assigned";

    public required string Id { get; init; }
    public required string Name { get; init; }
    public required UserKind Kind { get; init; }
    public string? Email { get; init; }
    public required Role Role { get; init; }

    /// <summary>
    /// <c>assigned</c>; <c>bootstrap</c>; or the setting that names the e-mail address and keeps the role from falling
    /// (<c>Obot:Auth:OwnerEmails</c>, <c>Obot:Auth:AdminEmails</c>).
    /// </summary>
    public required string RoleSource { get; init; }
    public required bool Auditor { get; init; }

    /// <summary>Since when nothing of the user's is good; null for a user in good standing.</summary>
    public DateTimeOffset? DisabledAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Last sign-in or use of an API key; exact to a minute.</summary>
    public DateTimeOffset? LastSeenAt { get; init; }
}

public sealed record UserDetails : UserView
{
    public required IReadOnlyList<UserGroup> Groups { get; init; }
    public required IReadOnlyList<UserIdentity> Identities { get; init; }
}

/// <param name="ProviderId">Identity provider that names the group; null for groups kept by hand.</param>
public sealed record UserGroup(string Id, string Name, string? ProviderId);

/// <param name="ProviderId">Identity provider, or <c>local</c> for a password of ours.</param>
/// <param name="Subject">Who the user is there: <c>sub</c>, or the user name.</param>
public sealed record UserIdentity(string ProviderId, string Subject, DateTimeOffset CreatedAt, DateTimeOffset LastSignInAt);
