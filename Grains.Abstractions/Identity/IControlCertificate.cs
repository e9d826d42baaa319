using System.Security.Cryptography.X509Certificates;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: the certificate of the internal control listener, issued by the cluster's CA, which guards pin.</summary>
public interface IControlCertificate
{
    /// <summary>With its private key. Asked at every TLS handshake: served from memory, so that a rotation needs no restart.</summary>
    X509Certificate2 Get();
}
