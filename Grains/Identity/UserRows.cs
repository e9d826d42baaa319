using Obot.Data.Tables;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>A row of <c>users</c> in the words of the domain.</summary>
internal static class UserRows
{
    /// <summary>A role that this binary does not know counts as the least.</summary>
    public static Role RoleOf(this UserRow row) => Enum.TryParse<Role>(row.Role, out var role) ? role : Role.Basic;

    public static UserKind KindOf(this UserRow row) => Enum.TryParse<UserKind>(row.Kind, out var kind) ? kind : UserKind.Person;

    /// <summary>A person who is owner and may sign in: neither programs nor the bootstrap user keep an installation in hand.</summary>
    public static bool IsOwnerInCharge(this UserRow row) => row.RoleOf() is Role.Owner && row.KindOf() is UserKind.Person && row.DisabledAt is null;
}
