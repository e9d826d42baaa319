using System.Security.Cryptography.X509Certificates;

namespace Obot.Shim.Guard.Control;

/// <summary>Whom a guard believes to be its cluster.</summary>
internal static class ClusterTrust
{
    /// <summary>Name that silos have for guards, whatever address was dialled.</summary>
    public const string ServerName = "control.obot.internal";

    /// <summary>Only certificates of the cluster's own authority, for that name.</summary>
    public static bool IsOurs(X509Certificate? certificate, X509Certificate2 authority)
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
