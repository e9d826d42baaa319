using System.Collections.Concurrent;
using System.Collections.Frozen;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Encryption.Keys;

/// <summary>
/// The unwrapped data keys of this silo. Loaded before anything is served; loaded again when the feed says so, and when a value
/// names a key that is not here. Each is asked for at the KMS again after <c>CacheFor</c>.
/// </summary>
internal sealed partial class DataKeys(
    DataKeyTable table, KeyWrappers wrappers, ISecurityFeed feed, IOptions<EncryptionOptions> options, TimeProvider time, ILogger<DataKeys> logger)
    : BackgroundService, IHostedLifecycleService
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AbsenceIsRemembered = TimeSpan.FromSeconds(2);
    private const int MaxAbsent = 1_000;

    private readonly ConcurrentDictionary<ulong, long> absent = new();
    private readonly ConcurrentDictionary<ulong, Lazy<Task<DataKey?>>> loading = new();
    private readonly SemaphoreSlim news = new(0, 1);
    private readonly SemaphoreSlim one = new(1, 1);
    private readonly Lock swap = new();
    private KeySet? loaded;
    private Action activated = () => { };

    /// <summary>What new values are written with.</summary>
    public DataKey Active => Loaded.Active;

    /// <summary>What blind indexes are derived from.</summary>
    public DataKey Index => Loaded.Index;

    private KeySet Loaded => Volatile.Read(ref loaded) ?? throw new InvalidOperationException("Data keys are read while the host starts; this came too early.");

    /// <summary>Calls <paramref name="act"/> whenever another key is the active one on this silo.</summary>
    public void WhenActivated(Action act) => activated += act;

    /// <summary>The key's bytes, unless the KMS takes them away.</summary>
    public byte[] Material(DataKey key)
    {
        if (key.Refusal is { } refusal)
        {
            throw new KeyServiceDeniedException(refusal);
        }

        var age = time.GetElapsedTime(key.UnwrappedAt);
        return age <= options.Value.CacheFor + options.Value.GraceWithoutKms
            ? key.Material
            : throw new KeyServiceUnreachableException(
                $"Data key '{key.Id}': the KMS did not answer for {age:d\\.hh\\:mm\\:ss}, longer than Obot:Encryption:CacheFor and GraceWithoutKms allow together. Make it reachable from this silo, or raise GraceWithoutKms.");
    }

    /// <summary>Waits for database and KMS where the key is not in memory: rare, bounded, and once for all who ask.</summary>
    /// <returns>Null when there is no such key.</returns>
    public DataKey? Find(ulong number) => Loaded.ByNumber.TryGetValue(number, out var key)
        ? key
        : Task.Run(() => FindAsync(number).AsTask()).GetAwaiter().GetResult();

    /// <inheritdoc cref="Find"/>
    public ValueTask<DataKey?> FindAsync(ulong number)
    {
        if (Loaded.ByNumber.TryGetValue(number, out var key))
        {
            return new(key);
        }

        return absent.TryGetValue(number, out var at) && time.GetElapsedTime(at) < AbsenceIsRemembered
            ? new((DataKey?)null)
            : new(loading.GetOrAdd(number, id => new(() => LoadAsync(id))).Value);
    }

    /// <summary>Reads the table again, asks the KMS for what is new or due, and swaps. One at a time.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await one.WaitAsync(cancellationToken);
        try
        {
            var before = Volatile.Read(ref loaded);
            var keys = (before?.ByNumber.Values.Where(key => key.IsRetired && !IsDue(key)) ?? []).ToDictionary(key => key.Number);
            DataKey? active = null, index = null;
            foreach (var row in await (before is null ? table.EnsureAsync(cancellationToken) : table.ReadAsync(cancellationToken)))
            {
                var isCurrent = row.SupersededAt is null;
                var key = await KeepOrUnwrapAsync(row, before?.ByNumber.GetValueOrDefault(SealedFormat.KeyNumber(row.Id)), mustOpen: isCurrent && before is null, cancellationToken);
                if (key is null)
                {
                    continue;
                }

                keys[key.Number] = key;
                active = isCurrent && row.Purpose == DataKeyTable.Data ? key : active;
                index = isCurrent && row.Purpose == DataKeyTable.Index ? key : index;
            }

            // a new active key that could not be opened yet: the one before goes on, and stays readable
            active ??= before?.Active;
            index ??= before?.Index;
            keys.TryAdd(active!.Number, active);
            lock (swap)
            {
                // what a value asked for in the meantime stays
                foreach (var (number, key) in Volatile.Read(ref loaded)?.ByNumber.Where(pair => before?.ByNumber.ContainsKey(pair.Key) is not true) ?? [])
                {
                    keys.TryAdd(number, key);
                }

                Volatile.Write(ref loaded, new(active, index!, keys.ToFrozenDictionary()));
            }

            if (before is not null && before.Active.Id != active.Id)
            {
                WritesWith(active.Id, before.Active.Id);
                activated();
            }
        }
        finally
        {
            one.Release();
        }
    }

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (true)
        {
            try
            {
                await RefreshAsync(cancellationToken);
                return;
            }
            catch (KeyServiceUnreachableException e) when (time.GetElapsedTime(start) < StartPatience)
            {
                Unreachable(e.Message);
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Dispose()
    {
        base.Dispose();
        news.Dispose();
        one.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.DataKey or SecurityChangeKinds.Everything && news.CurrentCount == 0)
            {
                news.Release();
            }
        });
        var failed = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await news.WaitAsync(failed ? Pause : Wait(), stoppingToken);
                await RefreshAsync(stoppingToken);
                failed = Loaded.ByNumber.Values.Any(IsDue);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                failed = true;
                NotRefreshed(e);
            }
        }
    }

    /// <summary>Until the next key is due; a tenth of the cache's time at least, so that a clock that jumps is noticed.</summary>
    private TimeSpan Wait()
    {
        var cacheFor = options.Value.CacheFor;
        var next = Loaded.ByNumber.Values.Select(key => cacheFor - time.GetElapsedTime(key.UnwrappedAt)).Append(cacheFor / 10).Min();
        return TimeSpan.FromMilliseconds(Math.Clamp(next.TotalMilliseconds, 50, 60_000));
    }

    private bool IsDue(DataKey key) => key.Refusal is not null || time.GetElapsedTime(key.UnwrappedAt) >= options.Value.CacheFor;

    /// <param name="mustOpen">Nothing works without it: its failure is the caller's.</param>
    private async Task<DataKey?> KeepOrUnwrapAsync(DataKeyRow row, DataKey? known, bool mustOpen, CancellationToken cancellationToken)
    {
        if (known is not null && !IsDue(known))
        {
            return known;
        }

        try
        {
            var asked = time.GetTimestamp();
            var material = await wrappers.UnwrapAsync(row.Provider, new(row.KmsKey, row.Wrapped), row.Id, cancellationToken);
            known?.Granted(asked);
            return known ?? new(row.Id, material, row.RetiredAt is not null, asked);
        }
        catch (KeyServiceDeniedException e) when (!mustOpen)
        {
            if (known?.Refusal is null)
            {
                Denied(row.Id, e.Message);
            }

            known?.Refused(e.Message);
            return known;
        }
        catch (KeyServiceUnreachableException e) when (!mustOpen)
        {
            Unreachable(e.Message);
            return known;
        }
    }

    private async Task<DataKey?> LoadAsync(ulong number)
    {
        await Task.Yield();
        try
        {
            var row = await table.FindAsync(SealedFormat.KeyId(number), CancellationToken.None);
            if (row is null)
            {
                Absent(number);
                return null;
            }

            // refused or unreachable is for whoever asked to know
            var key = await KeepOrUnwrapAsync(row, known: null, mustOpen: true, CancellationToken.None);
            lock (swap)
            {
                var now = Loaded;
                Volatile.Write(ref loaded, now with { ByNumber = now.ByNumber.Append(new(number, key!)).DistinctBy(pair => pair.Key).ToFrozenDictionary() });
            }

            return key;
        }
        finally
        {
            loading.TryRemove(number, out _);
        }
    }

    private void Absent(ulong number)
    {
        if (absent.Count >= MaxAbsent)
        {
            absent.Clear();
        }

        absent[number] = time.GetTimestamp();
    }

    private sealed record KeySet(DataKey Active, DataKey Index, FrozenDictionary<ulong, DataKey> ByNumber);

    [LoggerMessage(LogLevel.Information, "Values are encrypted with data key {Active} from now on (before: {Before})")]
    private partial void WritesWith(string active, string before);

    [LoggerMessage(LogLevel.Warning, "The key service does not answer; data keys in memory go on for now: {Reason}")]
    private partial void Unreachable(string reason);

    [LoggerMessage(LogLevel.Error, "Data key {Key} is refused by the key service, and nothing under it can be read until that changes: {Reason}")]
    private partial void Denied(string key, string reason);

    [LoggerMessage(LogLevel.Warning, "Data keys could not be read again; trying once more in a moment")]
    private partial void NotRefreshed(Exception exception);
}
