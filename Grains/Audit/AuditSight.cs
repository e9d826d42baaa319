using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Audit;

/// <summary>Whose records somebody may see, and the names that go with ids.</summary>
internal sealed class AuditSight(IDbContextFactory<ObotDb> databases)
{
    private const int MaxNames = 100;

    /// <summary>The servers whose records the caller sees; null for all.</summary>
    /// <exception cref="NotAllowedException">None, whoever owns them.</exception>
    public async Task<string[]?> ServersOfAsync(Principal caller, CancellationToken cancellationToken)
    {
        if (caller.Auditor || caller.Role >= Role.Admin)
        {
            return null;
        }

        if (caller.Role < Role.Power)
        {
            throw new NotAllowedException("Records of calls are shown to administrators, auditors, and, of their own servers, to users with role 'power'.");
        }

        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Servers.Where(row => row.OwnerId == caller.UserId).Select(row => row.Id).ToArrayAsync(cancellationToken);
    }

    public async Task<IReadOnlyDictionary<string, string>> NamesOfServersAsync(IEnumerable<string?> ids, CancellationToken cancellationToken)
    {
        var wanted = Distinct(ids);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Servers.Where(row => wanted.Contains(row.Id)).ToDictionaryAsync(row => row.Id, row => row.Name, StringComparer.Ordinal, cancellationToken);
    }

    public async Task<IReadOnlyDictionary<string, string>> NamesOfUsersAsync(IEnumerable<string?> ids, CancellationToken cancellationToken)
    {
        var wanted = Distinct(ids);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return await db.Users.Where(row => wanted.Contains(row.Id)).ToDictionaryAsync(row => row.Id, row => row.Name, StringComparer.Ordinal, cancellationToken);
    }

    /// <summary>Ids of users and servers whose names match, so that a search for a name finds what only has the id.</summary>
    public async Task<(string[] Users, string[] Servers)> NamedLikeAsync(string pattern, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        return (
            await db.Users.Where(row => EF.Functions.ILike(row.Name, pattern, LikePattern.Escape)).OrderBy(row => row.Id).Take(MaxNames).Select(row => row.Id).ToArrayAsync(cancellationToken),
            await db.Servers.Where(row => EF.Functions.ILike(row.Name, pattern, LikePattern.Escape)).OrderBy(row => row.Id).Take(MaxNames).Select(row => row.Id).ToArrayAsync(cancellationToken));
    }

    private static string[] Distinct(IEnumerable<string?> ids) => [.. ids.OfType<string>().Distinct(StringComparer.Ordinal)];
}
