using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <inheritdoc cref="IAuthSettings"/>
internal sealed class StoredAuthSettings(IDbContextFactory<ObotDb> databases, TimeProvider time) : IAuthSettings
{
    private const string DefaultRoleKey = "auth.default-role";

    public async Task<Role> DefaultRole(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var value = await db.Settings.AsNoTracking().Where(row => row.Key == DefaultRoleKey).Select(row => row.Value).SingleOrDefaultAsync(cancellationToken);

        // whatever the table says: nobody becomes an administrator by signing in
        return value is not null && RoleNames.TryParse(JsonSerializer.Deserialize<string>(value), out var role) && role <= IAuthSettings.MaxDefaultRole
            ? role
            : Role.Basic;
    }

    public async Task SetDefaultRole(Principal caller, Role role, CancellationToken cancellationToken)
    {
        Administrators.Check(caller);
        if (role > IAuthSettings.MaxDefaultRole)
        {
            throw new InvalidInputException(
                "role", $"New users get '{IAuthSettings.MaxDefaultRole.Text()}' at most. Give a higher role to people one by one: PATCH /api/users/{{id}}.");
        }

        var value = JsonSerializer.Serialize(role.Text());
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO settings (key, value, updated_at) VALUES ({DefaultRoleKey}, {value}::jsonb, {time.Now()})
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
            """,
            cancellationToken);
    }
}
