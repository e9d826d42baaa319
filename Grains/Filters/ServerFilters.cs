using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Filters;
using Obot.Grains.Abstractions.Hosting;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Filters;

/// <summary>The silo's book of filters: read when somebody asks after a change, once for all who ask.</summary>
internal sealed partial class ServerFilters : IServerFilters, IDisposable
{
    private readonly IDbContextFactory<ObotDb> _databases;
    private readonly IServerDirectory _directory;
    private readonly IEncryption _encryption;
    private readonly TimeProvider _time;
    private readonly ILogger<ServerFilters> _logger;
    private readonly IDisposable _subscription;
    private readonly SemaphoreSlim _reading = new(1, 1);
    private long _changes = 1;
    private volatile Reading? _last;

    public ServerFilters(IDbContextFactory<ObotDb> databases, IServerDirectory directory, IEncryption encryption, ISecurityFeed feed, TimeProvider time, ILogger<ServerFilters> logger)
    {
        (_databases, _directory, _encryption, _time, _logger) = (databases, directory, encryption, time, logger);
        _subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.Filter or SecurityChangeKinds.Everything)
            {
                Interlocked.Increment(ref _changes);
            }
        });
    }

    public async ValueTask<IReadOnlyList<ServerFilter>> Of(ServerEntry server, CancellationToken cancellationToken) => (await BookAsync(cancellationToken)).For(server);

    public async ValueTask<FilterServer?> FindServer(string filterId, ServerEntry server, CancellationToken cancellationToken) =>
        (await BookAsync(cancellationToken)).ToolOf(filterId, server) is { } tool ? await ServerOfAsync(filterId, tool.ServerId, tool.ToolName, cancellationToken) : null;

    /// <summary>As whoever made the server; the credential in its audit records says which filter asked.</summary>
    public async Task<FilterServer?> ServerOfAsync(string filterId, string serverId, string toolName, CancellationToken cancellationToken) =>
        await _directory.Find(serverId, cancellationToken) is { } entry
            ? new(entry.InstanceFor(entry.OwnerId), new(entry.OwnerId, Role.Basic, $"filter:{filterId}", [Scopes.Mcp]), toolName)
            : null;

    public void Dispose()
    {
        _subscription.Dispose();
        _reading.Dispose();
    }

    private ValueTask<FilterBook> BookAsync(CancellationToken cancellationToken) =>
        _last is { } last && last.Changes == Volatile.Read(ref _changes) ? new(last.Book) : new(ReadAsync(cancellationToken));

    private async Task<FilterBook> ReadAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        try
        {
            // what was announced until here is committed, so the statement below sees it
            var changes = Volatile.Read(ref _changes);
            if (_last is { } last && last.Changes == changes)
            {
                return last.Book;
            }

            var begun = _time.GetTimestamp();
            await using var db = await _databases.CreateDbContextAsync(cancellationToken);
            var book = new FilterBook(await db.Filters.AsNoTracking().ToListAsync(cancellationToken), _encryption);
            _last = new(changes, book);
            LogRead(book.Count, _time.GetElapsedTime(begun).TotalMilliseconds);
            return book;
        }
        finally
        {
            _reading.Release();
        }
    }

    [LoggerMessage(LogLevel.Debug, "{Count} filters read in {Milliseconds:0.0} ms")]
    private partial void LogRead(int count, double milliseconds);

    private sealed record Reading(long Changes, FilterBook Book);
}
