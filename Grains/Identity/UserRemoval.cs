using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Credentials;
using Obot.Grains.Hosting;

namespace Obot.Grains.Identity;

/// <summary>Takes a user out with everything that is the user's: in one transaction, and what runs is stopped after it.</summary>
internal sealed class UserRemoval(IDbContextFactory<ObotDb> databases, UserRules rules, ServerLife life, ConnectionEnds connections)
{
    private const int NamesShown = 10;

    public async Task<bool> RemoveAsync(Principal caller, string userId, OwnedServers servers, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        var users = await LockedUsers.TakeAsync(db, caller, userId, cancellationToken);
        if (users.Target is not { } user)
        {
            return false;
        }

        rules.CheckRemoval(users, user);
        var owned = await db.Servers.FromSql($"SELECT * FROM mcp_servers WHERE owner_id = {userId} ORDER BY id FOR UPDATE").ToListAsync(cancellationToken);
        HashSet<string> connected = [.. await ConnectionEnds.OfUserAsync(db, userId, cancellationToken)];
        if (servers.Delete)
        {
            connected.UnionWith(await ConnectionEnds.OfServersAsync(db, owned.ConvertAll(server => server.Id), cancellationToken));
        }

        HashSet<McpInstanceId> ending = [.. await OwnInstancesAsync(db, userId, owned, cancellationToken)];
        if (owned.Count > 0)
        {
            ending.UnionWith(await SettleAsync(db, user, owned, servers, cancellationToken));
        }

        var keys = ending.Select(instance => instance.ToString()).ToList();
        await db.ServerValues.Where(row => keys.Contains(row.Instance)).ExecuteDeleteAsync(cancellationToken);
        await db.ServerInstances.Where(row => keys.Contains(row.Instance)).ExecuteDeleteAsync(cancellationToken);
        await db.ApiKeys.Where(row => row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"DELETE FROM sign_in_codes WHERE user_id = {userId}", cancellationToken);

        // identities, password, memberships and sessions go with the row
        await db.Users.Where(row => row.Id == userId).ExecuteDeleteAsync(cancellationToken);
        await db.AnnounceAllAsync(SecurityChangeKinds.Server, [.. owned.Select(server => server.Id)], SecurityChangeKinds.Everything, cancellationToken);
        await db.WriteChangeAsync(null, caller.UserId, "delete", "users", userId, user.Name, null, cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.User, userId, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await life.RemoveAsync(ending);
        await connections.EndAsync(connected);
        return true;
    }

    /// <returns>Instances that end with the servers.</returns>
    private static async Task<IReadOnlyList<McpInstanceId>> SettleAsync(
        ObotDb db, UserRow user, List<ServerRow> owned, OwnedServers servers, CancellationToken cancellationToken)
    {
        var ids = owned.ConvertAll(server => server.Id);
        if (servers.Delete)
        {
            var recorded = await db.ServerInstances.Where(row => ids.Contains(row.ServerId)).Select(row => row.Instance).ToListAsync(cancellationToken);
            await db.Servers.Where(server => ids.Contains(server.Id)).ExecuteDeleteAsync(cancellationToken);
            return [.. recorded.Select(McpInstanceId.Parse), .. owned.Where(server => !server.PerUser).Select(server => McpInstanceId.Shared(server.Id))];
        }

        if (servers.NewOwnerId is not { } newOwner)
        {
            throw new ConflictException($"'{user.Name}' owns {Names(owned)}. Add '?servers=delete' to remove them too, or '?servers=transfer:<user id>' to give them to somebody else.");
        }

        // the lock keeps the new owner from going at the same time
        var heir = newOwner == user.Id
            ? null
            : await db.Users.FromSql($"SELECT * FROM users WHERE id = {newOwner} FOR NO KEY UPDATE").SingleOrDefaultAsync(cancellationToken);
        if (heir is not { DisabledAt: null } || heir.KindOf() is UserKind.System)
        {
            throw new InvalidInputException("servers", $"'{newOwner}' is no user in good standing who could own servers. Send 'transfer:<user id>' with one of GET /api/users.");
        }

        await db.Servers.Where(server => ids.Contains(server.Id)).ExecuteUpdateAsync(set => set.SetProperty(server => server.OwnerId, newOwner), cancellationToken);
        return [];
    }

    /// <summary>The user's own instances, of whichever servers, and those that may be there without a record.</summary>
    private static async Task<IReadOnlyList<McpInstanceId>> OwnInstancesAsync(ObotDb db, string userId, List<ServerRow> owned, CancellationToken cancellationToken)
    {
        var suffix = $"/{userId}";
        var recorded = await db.ServerInstances.Where(row => row.Instance.EndsWith(suffix)).Select(row => row.Instance).ToListAsync(cancellationToken);
        var configured = await db.ServerValues.Where(row => row.Instance.EndsWith(suffix)).Select(row => row.Instance).ToListAsync(cancellationToken);
        return [.. recorded.Concat(configured).Select(McpInstanceId.Parse), .. owned.Where(server => server.PerUser).Select(server => McpInstanceId.Of(server.Id, userId))];
    }

    private static string Names(List<ServerRow> owned)
    {
        var names = string.Join(", ", owned.Take(NamesShown).Select(server => $"'{server.Name}' ({server.Id})"));
        return owned.Count <= NamesShown ? $"the servers {names}" : $"the servers {names} and {owned.Count - NamesShown} more";
    }
}
