using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Hosting;

/// <summary>Reads what a start needs: the manifest as it stands, who may call, and the values that the instance's user supplied.</summary>
internal sealed class ServerPlans(
    IDbContextFactory<ObotDb> databases, IServerInstances instances, IServerAccess access, IServerFilters filters, ISecurityFeed feed, IEncryption encryption)
{
    /// <summary>Null when the server was deleted. Otherwise the instance is on record, so that a change of the server finds it.</summary>
    public async Task<ServerPlan?> FindAsync(McpInstanceId instance, CancellationToken cancellationToken)
    {
        if (!await instances.Record(instance, cancellationToken))
        {
            return null;
        }

        // before the reading: the guard must not take the policy for newer than it is
        var (revision, staleness) = (feed.Revision, feed.Staleness);
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var row = await db.Servers.AsNoTracking().SingleOrDefaultAsync(server => server.Id == instance.ServerId, cancellationToken);
        if (row is null)
        {
            return null;
        }

        var key = instance.ToString();
        var values = await db.ServerValues.AsNoTracking().Where(value => value.Instance == key).Select(value => value.Values).SingleOrDefaultAsync(cancellationToken);
        var entry = row.Entry();
        var manifest = encryption.DecryptManifest(row);
        return new(
            manifest,
            new(await access.Of(entry, cancellationToken), await filters.Of(entry, cancellationToken), revision, staleness),
            row.Revision,
            SuppliedValues.Decrypt(encryption, key, values)) { Titles = await TitlesAsync(db, manifest, cancellationToken) };
    }

    private static async Task<IReadOnlyDictionary<string, string>> TitlesAsync(ObotDb db, ServerManifest manifest, CancellationToken cancellationToken)
    {
        var ids = manifest.CompositeConfig?.ComponentServers.Select(component => component.Id).ToArray() ?? [];
        return ids.Length == 0
            ? new Dictionary<string, string>(StringComparer.Ordinal)
            : await db.Servers.Where(server => ids.Contains(server.Id)).ToDictionaryAsync(server => server.Id, server => server.Name, StringComparer.Ordinal, cancellationToken);
    }
}

/// <param name="Values">Key → value, as the user supplied them.</param>
internal sealed record ServerPlan(ServerManifest Manifest, StartAccess Access, long Revision, IReadOnlyDictionary<string, string> Values)
{
    /// <summary>Names of a composite's components, by id; what is not there goes by its id.</summary>
    public IReadOnlyDictionary<string, string> Titles { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
