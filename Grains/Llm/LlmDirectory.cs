using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Logging;
using Obot.Data;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Llm;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Llm;

/// <summary>The silo's book of models: read when somebody asks after a change, once for all who ask.</summary>
internal sealed partial class LlmDirectory : ILlmDirectory, IDisposable
{
    private readonly IDbContextFactory<ObotDb> databases;
    private readonly ProviderSecrets secrets;
    private readonly TimeProvider time;
    private readonly ILogger<LlmDirectory> logger;
    private readonly IDisposable subscription;
    private readonly SemaphoreSlim reading = new(1, 1);
    private long changes = 1;
    private volatile Reading? last;

    public LlmDirectory(IDbContextFactory<ObotDb> databases, ProviderSecrets secrets, ISecurityFeed feed, TimeProvider time, ILogger<LlmDirectory> logger)
    {
        (this.databases, this.secrets, this.time, this.logger) = (databases, secrets, time, logger);
        subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.Llm or SecurityChangeKinds.Everything)
            {
                Interlocked.Increment(ref changes);
            }
        });
    }

    public ValueTask<LlmDecision> Resolve(Principal caller, string asked, CancellationToken cancellationToken)
    {
        return Current is { } book ? new(book.Resolve(caller, asked)) : new(ReadAndResolveAsync());

        async Task<LlmDecision> ReadAndResolveAsync() => (await ReadAsync(cancellationToken)).Resolve(caller, asked);
    }

    public async ValueTask<IReadOnlyList<LlmTarget>> Find(string asked, CancellationToken cancellationToken) =>
        (Current ?? await ReadAsync(cancellationToken)).Find(asked).Targets ?? [];

    public async ValueTask<IReadOnlyList<LlmListing>> Visible(Principal caller, CancellationToken cancellationToken) =>
        (Current ?? await ReadAsync(cancellationToken)).Visible(caller);

    public async Task<HashSet<string>> UsableAsync(Principal caller, CancellationToken cancellationToken) =>
        (Current ?? await ReadAsync(cancellationToken)).Usable(caller);

    public void Dispose()
    {
        subscription.Dispose();
        reading.Dispose();
    }

    private LlmBook? Current => last is { } reading && reading.Changes == Volatile.Read(ref changes) ? reading.Book : null;

    private async Task<LlmBook> ReadAsync(CancellationToken cancellationToken)
    {
        await reading.WaitAsync(cancellationToken);
        try
        {
            if (Current is { } current)
            {
                return current;
            }

            // what was announced until here is committed, so the statements below see it
            var seen = Volatile.Read(ref changes);
            var begun = time.GetTimestamp();
            await using var db = await databases.CreateDbContextAsync(cancellationToken);
            var providers = await db.ModelProviders.AsNoTracking().Where(row => row.Enabled).ToListAsync(cancellationToken);
            var book = new LlmBook(
                Reuse(providers.Select(secrets.Read)).ToDictionary(provider => provider.Id, StringComparer.Ordinal),
                await db.Models.AsNoTracking().ToListAsync(cancellationToken),
                await db.ModelAliases.AsNoTracking().ToListAsync(cancellationToken),
                await db.ModelAccessPolicies.AsNoTracking().ToListAsync(cancellationToken),
                [.. (await db.LlmBudgets.AsNoTracking().OrderBy(row => row.CreatedAt).ToListAsync(cancellationToken)).Select(StoredLlmBudgets.View)],
                [.. (await db.LlmMessagePolicies.AsNoTracking().OrderBy(row => row.CreatedAt).ToListAsync(cancellationToken)).Select(StoredMessagePolicies.View)]);
            last = new(seen, book);
            LogRead(providers.Count, time.GetElapsedTime(begun).TotalMilliseconds);
            return book;
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>What did not change stays the same object: circuit breakers and tokens hang on it.</summary>
    private Dictionary<string, LlmProvider>.ValueCollection Reuse(IEnumerable<LlmProvider> read)
    {
        var kept = new Dictionary<string, LlmProvider>(StringComparer.Ordinal);
        foreach (var provider in read)
        {
            kept[provider.Id] = known.TryGetValue(provider.Id, out var before) && before.Revision == provider.Revision && before.CreatedAt == provider.CreatedAt ? before : provider;
        }

        known = kept;
        return kept.Values;
    }

    private Dictionary<string, LlmProvider> known = new(StringComparer.Ordinal);

    [LoggerMessage(LogLevel.Debug, "Models of {Count} providers read in {Milliseconds:0.0} ms")]
    private partial void LogRead(int count, double milliseconds);

    private sealed record Reading(long Changes, LlmBook Book);
}
