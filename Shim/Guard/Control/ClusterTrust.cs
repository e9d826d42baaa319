using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Obot.Shim.Guard.Control;

/// <summary>Whom a guard believes to be its cluster.</summary>
internal sealed class ClusterTrust(string authorityPem)
{
    private const string ServerName = "control.obot.internal";

    private readonly X509Certificate2 authority = X509Certificate2.CreateFromPem(authorityPem);

    /// <summary>Only certificates of the cluster's own authority, for the name that silos have for guards, whatever address was dialled.</summary>
    public bool IsOurs(object sender, X509Certificate? certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        if (certificate is not X509Certificate2 leaf || !leaf.MatchesHostname(ServerName))
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
