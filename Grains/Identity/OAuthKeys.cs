using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Obot.Data;
using Obot.Data.Tables;
using Obot.Grains.Abstractions.Encryption;
using Obot.Grains.Abstractions.Identity;
using Obot.Grains.Abstractions.Security;

namespace Obot.Grains.Identity;

/// <summary>
/// The authorization server's keys in table <c>cluster_keys</c>. Two silos that start on an empty database agree by the fixed id of
/// the first row; a rotation on one reaches the others through the security feed.
/// </summary>
internal sealed partial class OAuthKeys(IDbContextFactory<ObotDb> databases, IEncryption encryption, ISecurityFeed feed, TimeProvider time, ILogger<OAuthKeys> logger) : BackgroundService, IOAuthKeys, IHostedLifecycleService
{
    /// <summary>A new key is published this long before it signs: nobody may meet a signature whose key it has not read yet.</summary>
    internal static readonly TimeSpan PublishedBefore = TimeSpan.FromSeconds(10);

    /// <summary>A key signs for so long; then the next one is made.</summary>
    private static readonly TimeSpan SignsFor = TimeSpan.FromDays(30);

    /// <summary>Refresh tokens live 30 days at most; what a key signed can be good for so long after its last day.</summary>
    private static readonly TimeSpan VerifiesFor = SignsFor + TimeSpan.FromDays(31);
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(30);
    private const string SigningPurpose = "oauth-signing";
    private const string EncryptionPurpose = "oauth-encryption";
    private const string FirstSigning = "oauth-1";
    private const string FirstEncryption = "oauth-encryption-1";

    private readonly Lock gate = new();
    private readonly List<Action> listeners = [];
    private volatile OAuthKeySet? current;
    private readonly SemaphoreSlim wake = new(0);

    public OAuthKeySet Current => current ?? throw new InvalidOperationException("The authorization server's keys are read while the host starts; this came too early.");

    public IDisposable OnChange(Action changed)
    {
        lock (gate)
        {
            listeners.Add(changed);
        }

        return new Listening(this, changed);
    }

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await InsertAsync(db, FirstSigning, SigningPurpose, NewSigningKey(), cancellationToken);
        await InsertAsync(db, FirstEncryption, EncryptionPurpose, RandomNumberGenerator.GetBytes(32), cancellationToken);
        await ReadAsync(cancellationToken);
    }

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<string> Rotate(CancellationToken cancellationToken)
    {
        var id = RandomId.New("oauth-");
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await InsertAsync(db, id, SigningPurpose, NewSigningKey(), cancellationToken);
        await db.AnnounceAsync(SecurityChangeKinds.SigningKey, id, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await ReadAsync(cancellationToken);
        return id;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var subscription = feed.Subscribe(change =>
        {
            if (change.Kind is SecurityChangeKinds.SigningKey or SecurityChangeKinds.Everything)
            {
                wake.Release();
            }
        });
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await RotateWhenDueAsync(stoppingToken);
                await wake.WaitAsync(await ReadAsync(stoppingToken), stoppingToken);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException && !stoppingToken.IsCancellationRequested)
            {
                LogNotRead(e);
                await Task.Delay(TimeSpan.FromSeconds(2), time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    /// <returns>When to look again: as soon as a published key may sign.</returns>
    private async Task<TimeSpan> ReadAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var oldest = now - VerifiesFor;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        var rows = await db.ClusterKeys.AsNoTracking()
            .Where(row => row.Purpose == EncryptionPurpose || (row.Purpose == SigningPurpose && row.RetiredAt == null))
            .OrderByDescending(row => row.CreatedAt).ThenBy(row => row.Id).ToListAsync(cancellationToken);
        var signing = rows.Where(row => row.Purpose == SigningPurpose).ToList();
        var ready = signing.Find(row => row.CreatedAt <= now - PublishedBefore) ?? signing[^1];
        signing.RemoveAll(row => row != ready && row.CreatedAt < oldest);
        current = new(
            [.. signing.OrderByDescending(row => row == ready).Select(row => new OAuthSigningKey(row.Id, Open(row)))],
            Open(rows.First(row => row.Purpose == EncryptionPurpose)));
        Tell();
        var next = signing[0] == ready ? Look : signing[0].CreatedAt + PublishedBefore - now;
        return next < Look ? TimeSpan.FromMilliseconds(Math.Max(100, next.TotalMilliseconds)) : Look;
    }

    /// <summary>Whoever takes the lock first makes the key; the others find it fresh.</summary>
    private async Task RotateWhenDueAsync(CancellationToken cancellationToken)
    {
        var due = time.GetUtcNow() - SignsFor;
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await using var transaction = await db.Database.BeginTransactionAsync(cancellationToken);
        await db.Database.ExecuteSqlAsync($"SELECT pg_advisory_xact_lock(hashtext({SigningPurpose}))", cancellationToken);
        if (!await db.ClusterKeys.AnyAsync(row => row.Purpose == SigningPurpose && row.CreatedAt > due, cancellationToken))
        {
            LogRotated(await Rotate(cancellationToken));
        }
    }

    private Task<int> InsertAsync(ObotDb db, string id, string purpose, byte[] material, CancellationToken cancellationToken) => db.Database.ExecuteSqlAsync(
        $"INSERT INTO cluster_keys (id, purpose, material, created_at) VALUES ({id}, {purpose}, {encryption.Encrypt(Place(id), material)}, {time.GetUtcNow()}) ON CONFLICT DO NOTHING",
        cancellationToken);

    private byte[] Open(ClusterKeyRow row) => encryption.DecryptOrPlain(Place(row.Id), row.Material);

    private static SecretPlace Place(string id) => new("cluster_keys", id, "material");

    private void Tell()
    {
        Action[] all;
        lock (gate)
        {
            all = [.. listeners];
        }

        foreach (var listener in all)
        {
            listener();
        }
    }

    private static byte[] NewSigningKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }

    public override void Dispose()
    {
        wake.Dispose();
        base.Dispose();
    }

    private sealed class Listening(OAuthKeys keys, Action listener) : IDisposable
    {
        public void Dispose()
        {
            lock (keys.gate)
            {
                keys.listeners.Remove(listener);
            }
        }
    }

    [LoggerMessage(LogLevel.Information, "The authorization server has a new signing key: {KeyId}")]
    private partial void LogRotated(string keyId);

    [LoggerMessage(LogLevel.Warning, "The authorization server's keys could not be read; trying again")]
    private partial void LogNotRead(Exception exception);
}
