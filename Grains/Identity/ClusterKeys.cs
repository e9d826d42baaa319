using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Hosting;
using Obot.Data;
using Obot.Grains.Abstractions.Encryption;

namespace Obot.Grains.Identity;

/// <summary>
/// The keys that all silos share, made by whichever starts first and read by the others. Loaded before anything is served.
/// </summary>
internal sealed class ClusterKeys(IDbContextFactory<ObotDb> databases, IEncryption encryption, TimeProvider time) : IHostedLifecycleService
{
    private const string AssertionId = "assertion-1";
    private const string AuthorityId = "ca-1";
    private const string SecretId = "secret-1";

    private Loaded? loaded;

    /// <summary>Signs assertions and credentials; <c>kid</c> is <see cref="SigningKeyId"/>.</summary>
    public ECDsa SigningKey => Keys.Signing;

    public string SigningKeyId => AssertionId;

    public X509Certificate2 Authority => Keys.Authority;

    /// <summary>32 bytes that never leave the cluster; see <see cref="AssertionIssuer.DeriveKey"/>.</summary>
    public byte[] Secret => Keys.Secret;

    private Loaded Keys => loaded ?? throw new InvalidOperationException("The cluster's keys are read while the host starts; this came too early.");

    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        await using var db = await databases.CreateDbContextAsync(cancellationToken);
        await EnsureAsync(db, AssertionId, "assertion", NewSigningKey, cancellationToken);
        await EnsureAsync(db, AuthorityId, "ca", () => NewAuthority(time.GetUtcNow()), cancellationToken);
        await EnsureAsync(db, SecretId, "secret", () => RandomNumberGenerator.GetBytes(32), cancellationToken);
        var rows = await db.ClusterKeys.AsNoTracking().ToDictionaryAsync(row => row.Id, row => encryption.DecryptOrPlain(Place(row.Id), row.Material), cancellationToken);

        var signing = ECDsa.Create();
        signing.ImportPkcs8PrivateKey(rows[AssertionId], out _);
        loaded = new(signing, X509CertificateLoader.LoadPkcs12(rows[AuthorityId], password: null), rows[SecretId]);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Two silos may both make one; the first row stays and both read it.</summary>
    private async Task EnsureAsync(ObotDb db, string id, string purpose, Func<byte[]> make, CancellationToken cancellationToken)
    {
        if (!await db.ClusterKeys.AnyAsync(row => row.Id == id, cancellationToken))
        {
            await db.Database.ExecuteSqlAsync(
                $"INSERT INTO cluster_keys (id, purpose, material, created_at) VALUES ({id}, {purpose}, {encryption.Encrypt(Place(id), make())}, {time.GetUtcNow()}) ON CONFLICT DO NOTHING",
                cancellationToken);
        }
    }

    private static SecretPlace Place(string id) => new("cluster_keys", id, "material");

    private static byte[] NewSigningKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }

    private static byte[] NewAuthority(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Obot cluster authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(20));
        return certificate.Export(X509ContentType.Pkcs12);
    }

    private sealed record Loaded(ECDsa Signing, X509Certificate2 Authority, byte[] Secret);
}
