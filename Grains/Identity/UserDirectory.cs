using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <inheritdoc cref="IUserDirectory"/>
internal sealed class UserDirectory(IDbContextFactory<ObotDb> databases, IOptions<AuthOptions>? options = null) : IUserDirectory
{
    public async Task<UserStanding?> Find(string userId, CancellationToken cancellationToken)
    {
        // what ended by itself comes back while configuration wants it
        var evenIfEnded = userId == WellKnownUsers.Bootstrap && options?.Value.BootstrapIsForced is true;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var user = await db.Users.AsNoTracking()
            .Where(row => row.Id == userId && (row.DisabledAt == null || evenIfEnded))
            .Select(row => new { row.Name, row.Role, row.Auditor, Groups = db.GroupMembers.Where(member => member.UserId == row.Id).Select(member => member.GroupId).ToList() })
            .SingleOrDefaultAsync(cancellationToken);
        return user is not null && Enum.TryParse<Role>(user.Role, out var role) ? new(userId, user.Name, role, user.Auditor, user.Groups) : null;
    }
}
