using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Silo.Http;

/// <summary>Stands in until the cluster's CA issues the certificate. Goes away with that.</summary>
internal sealed class PlaceholderControlCertificate(TimeProvider time) : IControlCertificate
{
    private readonly Lazy<X509Certificate2> _certificate = new(() =>
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = time.GetUtcNow();
        return new CertificateRequest("CN=obot-control", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddMinutes(-5), now.AddDays(30));
    });

    public X509Certificate2 Get() => _certificate.Value;
}
