using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Grains.Abstractions.Credentials;
using Obot.Grains.Abstractions.Hosting;

namespace Obot.Grains.Credentials;

/// <summary>Disconnects what goes with a server or a user: read in the transaction that removes it, ended after it.</summary>
internal sealed partial class ConnectionEnds(IGrainFactory grains, ILogger<ConnectionEnds> logger)
{
    private const int AtOnce = 16;

    public static Task<List<string>> OfServersAsync(ObotDb db, IReadOnlyCollection<string> serverIds, CancellationToken cancellationToken) =>
        db.ThirdPartyConnections.Where(row => serverIds.Contains(row.ServerId)).Select(row => row.ServerId + "/" + row.UserId).ToListAsync(cancellationToken);

    public static Task<List<string>> OfUserAsync(ObotDb db, string userId, CancellationToken cancellationToken) =>
        db.ThirdPartyConnections.Where(row => row.UserId == userId).Select(row => row.ServerId + "/" + row.UserId).ToListAsync(cancellationToken);

    public Task EndAsync(IEnumerable<string> keys) =>
        Parallel.ForEachAsync(keys, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (key, _) =>
        {
            try
            {
                await grains.GetGrain<ICredentialGrain>(McpInstanceId.Parse(key).ToString()).Disconnect();
            }
            catch (Exception e)
            {
                LogKept(e, key);
            }
        });

    [LoggerMessage(LogLevel.Error, "The account behind {Key} could not be disconnected; revoke it at the third party")]
    private partial void LogKept(Exception exception, string key);
}
