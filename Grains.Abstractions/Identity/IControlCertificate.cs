using System.Security.Cryptography.X509Certificates;

namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: TLS of the control channel. The authority is the cluster's own; guards trust no other.</summary>
public interface IControlCertificate
{
    /// <summary>This silo's certificate for the name <see cref="HostName"/>, issued anew at each start, good for a year.</summary>
    X509Certificate2 Get();

    /// <summary>PEM of the cluster's certificate authority, handed to guards at their start.</summary>
    string AuthorityPem { get; }

    /// <summary>The name that guards check, whatever address they dial.</summary>
    static string HostName => "control.obot.internal";
}
