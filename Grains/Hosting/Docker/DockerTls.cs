using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Docker.DotNet.Handler.Abstractions;

namespace Obot.Grains.Hosting.Docker;

/// <summary>The certificates of <see cref="DockerOptions.CertificatePath"/>: ours towards the Engine, and the authority that its own has to come from.</summary>
internal sealed class DockerTls : IAuthProvider, IDisposable
{
    private readonly X509Certificate2 authority;
    private readonly X509Certificate2 own;

    /// <param name="folder">With <c>ca.pem</c>, <c>cert.pem</c>, <c>key.pem</c>.</param>
    /// <exception cref="ServerStartException">A file is missing or is no certificate.</exception>
    public DockerTls(string folder)
    {
        try
        {
            authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, "ca.pem"));
            using var pem = X509Certificate2.CreateFromPemFile(Path.Combine(folder, "cert.pem"), Path.Combine(folder, "key.pem"));
            own = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException)
        {
            throw new ServerStartException($"the certificates for Docker cannot be read from '{folder}' (ca.pem, cert.pem, key.pem): {e.Message}. See Obot:Hosting:Docker:CertificatePath");
        }
    }

    public bool TlsEnabled => true;

    public HttpMessageHandler ConfigureHandler(HttpMessageHandler handler)
    {
        ((SocketsHttpHandler)handler).SslOptions = new SslClientAuthenticationOptions
        {
            ClientCertificates = [own],
            RemoteCertificateValidationCallback = (_, presented, _, errors) => IsOurs(presented, errors),
        };
        return handler;
    }

    public void Dispose()
    {
        authority.Dispose();
        own.Dispose();
    }

    /// <summary>The authority of the folder and no other; names are checked as usual.</summary>
    private bool IsOurs(X509Certificate? presented, SslPolicyErrors errors)
    {
        if (presented is not X509Certificate2 leaf || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(leaf);
    }
}
