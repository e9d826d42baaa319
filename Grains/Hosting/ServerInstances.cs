using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Hosting;

/// <summary>Table <c>mcp_server_instances</c>.</summary>
internal sealed class ServerInstances(IDbContextFactory<ObotDb> databases, TimeProvider time) : IServerInstances
{
    public async Task<bool> Record(McpInstanceId instance, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var key = instance.ToString();

        // the share lock waits for a removal in progress and makes a later one wait for us: no instance escapes it
        var known = await db.Database.ExecuteSqlAsync(
            $"""
            WITH server AS (SELECT id FROM mcp_servers WHERE id = {instance.ServerId} FOR SHARE)
            INSERT INTO mcp_server_instances (instance, server_id, created_at) SELECT {key}, id, {time.Now()} FROM server
            ON CONFLICT (instance) DO UPDATE SET server_id = excluded.server_id
            """,
            cancellationToken);
        return known > 0;
    }

    public async Task<IReadOnlyList<McpInstanceId>> Of(string serverId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var keys = await db.ServerInstances.Where(row => row.ServerId == serverId).Select(row => row.Instance).ToListAsync(cancellationToken);
        return [.. keys.Select(McpInstanceId.Parse)];
    }
}
