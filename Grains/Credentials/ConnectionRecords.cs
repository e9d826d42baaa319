using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Credentials;

/// <summary>Table <c>third_party_connections</c>, and the news that guards live by.</summary>
internal sealed class ConnectionRecords(IDbContextFactory<ObotDb> databases, TimeProvider time)
{
    public static string SubjectOf(string serverId, string userId) => $"{serverId}/{userId}";

    public async Task ConnectedAsync(string serverId, string userId, string issuer, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO third_party_connections (server_id, user_id, issuer, connected_at) SELECT id, {userId}, {issuer}, {time.Now()} FROM mcp_servers WHERE id = {serverId}
            ON CONFLICT (server_id, user_id) DO UPDATE SET issuer = excluded.issuer, connected_at = excluded.connected_at
            """,
            cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Credential, SubjectOf(serverId, userId), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    public async Task DisconnectedAsync(string serverId, string userId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.ThirdPartyConnections.Where(row => row.ServerId == serverId && row.UserId == userId).ExecuteDeleteAsync(cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.Credential, SubjectOf(serverId, userId), cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
