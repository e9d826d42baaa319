using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Identity;

/// <summary>Issues this silo's certificate for the control channel from the cluster's authority. Never written anywhere.</summary>
internal sealed class ControlCertificate(ClusterKeys keys, TimeProvider time) : IControlCertificate
{
    private readonly Lock gate = new();
    private X509Certificate2? certificate;

    public string AuthorityPem => keys.Authority.ExportCertificatePem();

    public X509Certificate2 Get()
    {
        lock (gate)
        {
            return certificate ??= Issue();
        }
    }

    private X509Certificate2 Issue()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={IControlCertificate.HostName}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(IControlCertificate.HostName);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        var now = time.GetUtcNow();
        using var issued = request.Create(keys.Authority, now.AddHours(-1), now.AddYears(1), RandomNumberGenerator.GetBytes(16));
        using var complete = issued.CopyWithPrivateKey(key);
        // a round trip through PKCS#12: TLS needs a key that is not ephemeral on some platforms
        return X509CertificateLoader.LoadPkcs12(complete.Export(X509ContentType.Pkcs12), password: null);
    }
}
