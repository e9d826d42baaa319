using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>
/// What a change of a user is decided on: the user, whoever asks for it, and all owners, locked in one order until the transaction ends
/// and read after the lock. Two silos that demote the last two owners at once decide one after the other.
/// </summary>
internal sealed class LockedUsers
{
    private readonly IReadOnlyList<UserRow> _rows;

    private LockedUsers(IReadOnlyList<UserRow> rows, UserRow? target, Role actor) => (_rows, Target, Actor) = (rows, target, actor);

    /// <summary>Null when there is no such user.</summary>
    public UserRow? Target { get; }

    /// <summary>The caller's role: the present one, and never more than the credential carries.</summary>
    public Role Actor { get; }

    /// <exception cref="NotAllowedException">The caller is no administrator, or no longer one.</exception>
    public static async Task<LockedUsers> TakeAsync(ObotDb db, Principal caller, string? targetId, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        var rows = await db.Users
            .FromSql($"SELECT * FROM users WHERE role = 'Owner' OR id = {caller.UserId} OR id = {targetId} ORDER BY id FOR NO KEY UPDATE")
            .ToListAsync(cancellationToken);
        if (rows.Find(row => row.Id == caller.UserId) is not { DisabledAt: null } self)
        {
            throw new NotAllowedException("You are no longer a user in good standing here.");
        }

        var actor = self.RoleOf() < caller.Role ? self.RoleOf() : caller.Role;
        Administrators.Check(actor);
        return new(rows, rows.Find(row => row.Id == targetId), actor);
    }

    /// <summary>Whether a person in good standing is owner beside <paramref name="user"/>.</summary>
    public bool AnotherOwnerThan(UserRow user) => _rows.Any(row => row.Id != user.Id && row.IsOwnerInCharge());
}
