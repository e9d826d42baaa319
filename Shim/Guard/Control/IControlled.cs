using Obot.Shim.Contracts.Control;

namespace Obot.Shim.Guard.Control;

/// <summary>Says one message to the cluster, on the connection that it came with.</summary>
internal delegate Task ControlSend(ControlMessage message, CancellationToken cancellationToken);

/// <summary>Who is behind a control channel: one instance, or a pool of them. Many connections follow each other.</summary>
internal interface IControlled
{
    /// <summary>Says what has to be said, for as long as one connection lives.</summary>
    Task TalkAsync(ControlSend send, CancellationToken ended);

    /// <summary>Does what the cluster says.</summary>
    Task ObeyAsync(ControlMessage message, ControlSend send, CancellationToken ended);
}

/// <summary>Where to dial, whom to trust there, and what to show.</summary>
/// <param name="Urls">Any of them will do.</param>
/// <param name="AuthorityPem">The only certificate authority that is accepted.</param>
internal sealed record ControlTarget(IReadOnlyList<string> Urls, string AuthorityPem, GuardCredential Credential);
