using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Policies;

namespace Obot.Grains.Hosting;

/// <summary>
/// Which servers somebody sees, and what they may do to them: administrators see all and manage all; everyone sees those that they made
/// or that a rule opens for them, and manages those that they made. What a guard lets through is not decided here.
/// </summary>
internal static class ServerSight
{
    /// <summary>Never more than the credential reaches.</summary>
    public static async Task<IQueryable<ServerRow>> VisibleAsync(ObotDb db, IQueryable<ServerRow> servers, Principal caller, CancellationToken cancellationToken)
    {
        if (caller.Role < Role.Admin)
        {
            return await CallableServers.OfAsync(db, servers, caller, cancellationToken);
        }

        var reach = caller.ServerIds;
        return reach is null ? servers : servers.Where(row => reach.Contains(row.Id));
    }

    public static async Task<ServerRow?> FindAsync(ObotDb db, IQueryable<ServerRow> servers, Principal caller, string serverId, CancellationToken cancellationToken) =>
        await (await VisibleAsync(db, servers, caller, cancellationToken)).SingleOrDefaultAsync(row => row.Id == serverId, cancellationToken);

    /// <exception cref="NotAllowedException">The caller sees the server because a rule opens it, and it is not theirs.</exception>
    public static void CheckManages(Principal caller, ServerRow row)
    {
        if (!Manages(caller, row.OwnerId))
        {
            throw new NotAllowedException($"You may call server '{row.Id}', but only its owner and administrators may change or remove it.");
        }
    }

    /// <summary>Stopping, configuring and reading the log: of the caller's own instance, or by whoever manages the server.</summary>
    /// <exception cref="NotAllowedException">The instance is shared with others and is not theirs.</exception>
    public static void CheckRuns(Principal caller, string serverId, string ownerId, bool perUser)
    {
        if (!perUser && !Manages(caller, ownerId))
        {
            throw new NotAllowedException($"Server '{serverId}' is shared: only its owner and administrators may stop or configure it and read its log.");
        }
    }

    public static bool Manages(Principal caller, string ownerId) => caller.Role >= Role.Admin || ownerId == caller.UserId;
}
