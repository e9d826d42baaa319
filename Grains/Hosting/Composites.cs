using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Hosting;

/// <inheritdoc cref="IComposites"/>
internal sealed class Composites : IComposites, IDisposable
{
    private const int MaxKnown = 50_000;

    private readonly IDbContextFactory<ObotDb> _databases;
    private readonly IEncryption _encryption;
    private readonly IDisposable _subscription;
    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _known = new(StringComparer.Ordinal);
    private long _evictions;

    public Composites(IDbContextFactory<ObotDb> databases, IEncryption encryption, ISecurityFeed feed)
    {
        (_databases, _encryption) = (databases, encryption);
        _subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.Server or SecurityChangeKinds.Everything)
            {
                Interlocked.Increment(ref _evictions);
                if (change.Kind is SecurityChangeKinds.Server)
                {
                    _known.TryRemove(change.Subject, out _);
                }
                else
                {
                    _known.Clear();
                }
            }
        });
    }

    public async ValueTask<IReadOnlyList<string>?> ComponentsOf(string serverId, CancellationToken cancellationToken)
    {
        if (!_known.TryGetValue(serverId, out var components))
        {
            components = await ReadAsync(serverId, cancellationToken);
        }

        return components.Count == 0 ? null : components;
    }

    public void Dispose() => _subscription.Dispose();

    private async Task<IReadOnlyList<string>> ReadAsync(string serverId, CancellationToken cancellationToken)
    {
        var before = Interlocked.Read(ref _evictions);
        await using var db = await _databases.CreateDbContextAsync(cancellationToken);
        var row = await db.Servers.AsNoTracking().SingleOrDefaultAsync(server => server.Id == serverId, cancellationToken);
        IReadOnlyList<string> components = row is null ? [] : [.. _encryption.DecryptManifest(row).CompositeConfig?.ComponentServers.Select(component => component.Id) ?? []];
        if (_known.Count >= MaxKnown)
        {
            _known.Clear();
        }

        // what changed while it was read is read again
        if (row is not null && before == Interlocked.Read(ref _evictions))
        {
            _known[serverId] = components;
        }

        return components;
    }
}
