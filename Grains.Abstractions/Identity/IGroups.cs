using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>
/// Port: groups. Those of identity providers follow the providers' claims at each sign-in and are read-only here; others are kept by
/// hand. Needs role <see cref="Role.Admin"/> (<see cref="NotAllowedException"/>). Who joins, leaves or loses a group is known to every silo
/// within a second.
/// </summary>
public interface IGroups
{
    /// <summary>Ordered by creation, oldest first.</summary>
    /// <param name="query">Part of the name in any case, or an id; null lists all.</param>
    /// <param name="limit">1 … 500.</param>
    /// <param name="cursor">Opaque, from an earlier page.</param>
    Task<Page<GroupView>> List(Principal caller, string? query, int limit, string? cursor, CancellationToken cancellationToken);

    /// <exception cref="InvalidInputException">Not 1 to 100 characters.</exception>
    /// <exception cref="ConflictException">A group kept by hand has the name already.</exception>
    Task<GroupView> Create(Principal caller, string name, CancellationToken cancellationToken);

    /// <summary>Null when there is none.</summary>
    Task<GroupView?> Find(Principal caller, string groupId, CancellationToken cancellationToken);

    /// <summary>Ordered by the members' creation. Null when there is no such group.</summary>
    Task<Page<GroupMember>?> Members(Principal caller, string groupId, int limit, string? cursor, CancellationToken cancellationToken);

    /// <summary>False when there is none.</summary>
    /// <exception cref="ConflictException">It is an identity provider's.</exception>
    Task<bool> Remove(Principal caller, string groupId, CancellationToken cancellationToken);

    /// <summary>Also done when the user was in it already.</summary>
    /// <exception cref="ConflictException">It is an identity provider's.</exception>
    Task<MemberChange> AddMember(Principal caller, string groupId, string userId, CancellationToken cancellationToken);

    /// <summary>Also done when the user was not in it.</summary>
    /// <exception cref="ConflictException">It is an identity provider's.</exception>
    Task<MemberChange> RemoveMember(Principal caller, string groupId, string userId, CancellationToken cancellationToken);
}

public enum MemberChange
{
    Done,
    NoSuchGroup,
    NoSuchUser,
}

/// <param name="ProviderId">Identity provider that names it; null for a group kept by hand.</param>
public sealed record GroupView(string Id, string Name, string? ProviderId, int MemberCount, DateTimeOffset CreatedAt);

public sealed record GroupMember(string UserId, string Name, UserKind Kind);
