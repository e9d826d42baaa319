using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>Who may change whom. Only decides; docs/users.md has the same as a table.</summary>
internal sealed class UserRules(PreassignedRoles preassigned)
{
    private const int MaxName = 100;

    /// <exception cref="NotAllowedException">The caller's role does not suffice.</exception>
    /// <exception cref="ConflictException">It would leave the installation without an owner, or contradict the configuration.</exception>
    /// <exception cref="InvalidInputException">The name is none.</exception>
    public void CheckChange(LockedUsers users, UserRow target, UserChange change)
    {
        CheckReach(users.Actor, target);
        if (change.Role is { } role)
        {
            CheckGrant(users.Actor, role);
            if (preassigned.Of(target) is { } least && role < least.Role)
            {
                throw new ConflictException($"The e-mail address of '{target.Name}' is listed in {least.Setting}, which keeps role '{least.Role.Text()}'. Take it off that list first.");
            }
        }

        if (change.Auditor is { } auditor && auditor != target.Auditor)
        {
            CheckAuditor(users.Actor);
        }

        if (change.Name is { } name)
        {
            CheckName(name);
        }

        if (change.Disabled is true || change.Role is < Role.Owner)
        {
            CheckLastOwner(users, target);
        }
    }

    /// <inheritdoc cref="CheckChange"/>
    public void CheckRemoval(LockedUsers users, UserRow target)
    {
        CheckReach(users.Actor, target);
        if (preassigned.Of(target) is { } least)
        {
            throw new ConflictException(
                $"The e-mail address of '{target.Name}' is listed in {least.Setting}: the next sign-in would bring the user back as '{least.Role.Text()}'. Take it off that list first, or disable the user.");
        }

        CheckLastOwner(users, target);
    }

    public static void CheckGrant(Role actor, Role role)
    {
        if (role > actor)
        {
            throw new NotAllowedException($"Nobody gives a role above their own: yours is '{actor.Text()}', asked for was '{role.Text()}'.");
        }
    }

    public static void CheckName(string name)
    {
        if (string.IsNullOrWhiteSpace(name) || name.Length > MaxName || name.Any(char.IsControl))
        {
            throw new InvalidInputException("name", $"Must be a text of 1 to {MaxName} characters without control characters.");
        }
    }

    private static void CheckReach(Role actor, UserRow target)
    {
        if (target.KindOf() is UserKind.System)
        {
            throw new ConflictException(
                "The bootstrap user stays as it is: it is the way in while there is no other. It ends by itself once an identity provider works and an owner exists (Obot:Auth:BootstrapToken).");
        }

        if (target.RoleOf() > actor)
        {
            throw new NotAllowedException($"'{target.Name}' has role '{target.RoleOf().Text()}' and yours is '{actor.Text()}': only owners change owners.");
        }
    }

    private static void CheckAuditor(Role actor)
    {
        if (actor < Role.Owner)
        {
            throw new NotAllowedException("Only owners give or take the auditor add-on: it opens the contents of other people's calls.");
        }
    }

    private static void CheckLastOwner(LockedUsers users, UserRow target)
    {
        if (target.IsOwnerInCharge() && !users.AnotherOwnerThan(target))
        {
            throw new ConflictException($"'{target.Name}' is the last owner. Make somebody else owner first: PATCH /api/users/{{id}} {{\"role\": \"owner\"}}.");
        }
    }
}
