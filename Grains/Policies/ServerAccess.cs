using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Policies;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Policies;

/// <summary>The silo's book of rules: read when somebody asks after a change, once for all who ask.</summary>
internal sealed partial class ServerAccess : IServerAccess, IDisposable
{
    private readonly IDbContextFactory<ObotDb> _databases;
    private readonly TimeProvider _time;
    private readonly ILogger<ServerAccess> _logger;
    private readonly IDisposable _subscription;
    private readonly SemaphoreSlim _reading = new(1, 1);
    private long _changes = 1;
    private volatile Reading? _last;

    public ServerAccess(IDbContextFactory<ObotDb> databases, ISecurityFeed feed, TimeProvider time, ILogger<ServerAccess> logger)
    {
        (_databases, _time, _logger) = (databases, time, logger);
        _subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.AccessRule or SecurityChangeKinds.Everything)
            {
                Interlocked.Increment(ref _changes);
            }
        });
    }

    public ValueTask<AccessPolicy> Of(ServerEntry server, CancellationToken cancellationToken) =>
        _last is { } last && last.Changes == Volatile.Read(ref _changes) ? new(last.Book.For(server)) : new(ReadAsync(server, cancellationToken));

    public bool IsNamed(string groupId) => _last is not { } last || last.Changes != Volatile.Read(ref _changes) || last.Book.IsNamed(groupId);

    public void Dispose()
    {
        _subscription.Dispose();
        _reading.Dispose();
    }

    private async Task<AccessPolicy> ReadAsync(ServerEntry server, CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            // what was announced until here is committed, so the statement below sees it
            var changes = Volatile.Read(ref _changes);
            if (_last is { } last && last.Changes == changes)
            {
                return last.Book.For(server);
            }

            var begun = _time.GetTimestamp();
            await using var db = await _databases.CreateDbContextAsync(cancellationToken);
            var book = new RuleBook(await db.AccessRules.AsNoTracking().ToListAsync(cancellationToken));
            _last = new(changes, book);
            LogRead(book.Count, _time.GetElapsedTime(begun).TotalMilliseconds);
            return book.For(server);
        }
        finally
        {
            _reading.Release();
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Count} access rules read in {Milliseconds:0.0} ms")]
    private partial void LogRead(int count, double milliseconds);

    private sealed record Reading(long Changes, RuleBook Book);
}
