using Microsoft.EntityFrameworkCore;
using Microsoft.Net.Http.Headers;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Hosting;

namespace Obot.Grains.Credentials;

/// <summary>What one server wants of one user's calls, as its manifest and the stored values stand.</summary>
/// <param name="Url">Address of the server; null for one that has none of its own.</param>
/// <param name="Headers">Header → value with its prefix.</param>
/// <param name="Missing">Keys of required headers without a value.</param>
/// <param name="WantsAccount">Whether it is known to want a third party's token; null when nobody asked it since it was changed.</param>
internal sealed record ServerNeed(
    ServerManifest Manifest, long Revision, Uri? Url, IReadOnlyDictionary<string, string> Headers, IReadOnlyList<string> Missing, bool? WantsAccount)
{
    /// <summary>Its manifest brings the credential: then nobody connects an account.</summary>
    public bool SetsAuthorization => Headers.ContainsKey(HeaderNames.Authorization);

    public bool TakesTokens => Url is not null && !SetsAuthorization;

    public bool StaticClientOnly => Manifest.RemoteConfig?.StaticOAuthRequired is true;

    public override string ToString() => Manifest.Name;
}

/// <summary>Reads it; nothing is kept between two questions.</summary>
internal sealed class ServerNeeds(IDbContextFactory<ObotDb> databases, IEncryption encryption, TimeProvider time)
{
    /// <summary>A server that wanted nothing is asked again after this.</summary>
    private static readonly TimeSpan Believed = TimeSpan.FromHours(6);

    /// <summary>Null when the server is gone.</summary>
    public async Task<ServerNeed?> FindAsync(string serverId, string userId, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var row = await db.Servers.AsNoTracking().SingleOrDefaultAsync(server => server.Id == serverId, cancellationToken);
        if (row is null)
        {
            return null;
        }

        var manifest = encryption.DecryptManifest(row);
        var values = await SuppliedValues.OfCallerAsync(db, encryption, row.Entry(), userId, cancellationToken);
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var entry in ManifestEntries.HeadersOf(manifest))
        {
            if ((values.Of(manifest, entry) ?? entry.Value) is { Length: > 0 } value)
            {
                headers[entry.Key] = entry.Prefix + value;
            }
        }

        var asked = await db.ThirdPartyServers.AsNoTracking().SingleOrDefaultAsync(server => server.ServerId == serverId, cancellationToken);
        var known = asked is not null && asked.ManifestRevision == row.Revision && (asked.WantsAccount || time.GetUtcNow() - asked.AskedAt < Believed);
        return new(manifest, row.Revision, UrlOf(manifest), headers, values.MissingHeaders(manifest), known ? asked!.WantsAccount : null);
    }

    public async Task LearnAsync(string serverId, long revision, bool wantsAccount, CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync(
            $"""
            INSERT INTO third_party_servers (server_id, manifest_revision, wants_account, asked_at)
            SELECT id, {revision}, {wantsAccount}, {time.Now()} FROM mcp_servers WHERE id = {serverId}
            ON CONFLICT (server_id) DO UPDATE SET manifest_revision = excluded.manifest_revision, wants_account = excluded.wants_account, asked_at = excluded.asked_at
            """,
            cancellationToken);
    }

    private static Uri? UrlOf(ServerManifest manifest) =>
        manifest.Runtime == Runtimes.Remote && Uri.TryCreate(manifest.RemoteConfig?.FixedURL, UriKind.Absolute, out var url) ? url : null;
}
