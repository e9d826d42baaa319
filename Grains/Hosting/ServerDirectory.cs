using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Security;
using Obot.Grains.Catalog;

namespace Obot.Grains.Hosting;

/// <summary>
/// Servers by id, from memory once asked. The feed evicts what changed; an unknown id is remembered for a moment, so that a client
/// that hammers a removed server does not hammer the database.
/// </summary>
internal sealed class ServerDirectory : IServerDirectory, IDisposable
{
    private static readonly TimeSpan NegativeLifetime = TimeSpan.FromSeconds(2);
    private const int MaxUnknown = 10_000;
    private const int MaxIdLength = 128;

    private readonly IDbContextFactory<ObotDb> _databases;
    private readonly TimeProvider _time;
    private readonly IDisposable _subscription;
    private readonly ConcurrentDictionary<string, ServerEntry> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _unknown = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Lazy<Task<ServerEntry?>>> _loading = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, string> _entryOf = new(StringComparer.Ordinal);
    private readonly EntryDeployments? _deployments;
    private long _evictions;

    /// <param name="deployments">Finds the server of a catalog entry, and makes it on first use; null where there are no catalogs.</param>
    public ServerDirectory(IDbContextFactory<ObotDb> databases, ISecurityFeed feed, TimeProvider time, EntryDeployments? deployments = null)
    {
        (_databases, _time, _deployments) = (databases, time, deployments);
        _subscription = feed.Subscribe(Apply);
    }

    public ValueTask<ServerEntry?> Find(string serverId, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(serverId, out var entry))
        {
            return new(entry);
        }

        if (serverId.Length is 0 or > MaxIdLength
            || serverId.Contains('\0', StringComparison.Ordinal)
            || (_unknown.TryGetValue(serverId, out var at) && _time.GetElapsedTime(at) < NegativeLifetime))
        {
            return new((ServerEntry?)null);
        }

        // one question to the database for all who ask at the same time; none of them may cancel it for the others
        var loading = _loading.GetOrAdd(serverId, id => new(() => LoadAsync(id)));
        return new(loading.Value.WaitAsync(cancellationToken));
    }

    public void Dispose() => _subscription.Dispose();

    private async Task<ServerEntry?> LoadAsync(string serverId)
    {
        await Task.Yield();
        try
        {
            var before = Volatile.Read(ref _evictions);
            var entry = EntryIds.IsOne(serverId)
                ? await (_deployments?.FindOrMakeAsync(serverId, CancellationToken.None) ?? Task.FromResult<ServerEntry?>(null))
                : await ReadAsync(serverId);
            Remember(serverId, entry, before);
            return entry;
        }
        finally
        {
            _loading.TryRemove(serverId, out _);
        }
    }

    private async Task<ServerEntry?> ReadAsync(string serverId)
    {
        await using var db = await _databases.CreateDbContextAsync();
        return await db.Servers.Where(row => row.Id == serverId)
            .Select(row => new ServerEntry(serverId, row.PerUser, row.OwnerId) { CatalogEntryId = row.CatalogEntryId, CatalogId = row.CatalogId })
            .SingleOrDefaultAsync();
    }

    private void Remember(string serverId, ServerEntry? entry, long before)
    {
        if (entry is null)
        {
            if (_unknown.Count >= MaxUnknown)
            {
                _unknown.Clear();
            }

            _unknown[serverId] = _time.GetTimestamp();
        }
        else
        {
            _known[serverId] = entry;
            if (entry.ServerId != serverId)
            {
                // known by its entry's id: a change of the server is one of this too
                _entryOf[entry.ServerId] = serverId;
            }
        }

        // something was evicted while we read: what we read may be older than that, so it must not stay
        if (Volatile.Read(ref _evictions) != before)
        {
            _known.TryRemove(serverId, out _);
            _unknown.TryRemove(serverId, out _);
        }
    }

    private void Apply(SecurityChange change)
    {
        if (change.Kind == SecurityChangeKinds.Everything)
        {
            Interlocked.Increment(ref _evictions);
            _known.Clear();
            _unknown.Clear();
        }
        else if (change.Kind == SecurityChangeKinds.Server)
        {
            Interlocked.Increment(ref _evictions);
            _known.TryRemove(change.Subject, out _);
            _unknown.TryRemove(change.Subject, out _);
            if (_entryOf.TryRemove(change.Subject, out var entryId))
            {
                _known.TryRemove(entryId, out _);
            }
        }
    }
}
