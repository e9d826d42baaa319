using Obot.Grains.Abstractions.Identity;

namespace Obot.Grains.Abstractions.Credentials;

/// <summary>
/// Port: users' accounts at third parties, for the management API, the console and a client's own sign-in. Everything is about the caller's
/// own account; whoever may not see a server gets null.
/// </summary>
public interface IConnections
{
    Task<ConnectionView?> Find(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Begins a sign-in at the third party that the server trusts.</summary>
    /// <param name="returnPath">Path of ours (<c>/…</c>) to which the browser goes afterwards; null for a page that says so.</param>
    /// <exception cref="InvalidInputException">The path is not one of ours.</exception>
    Task<ConnectOutcome?> Connect(Principal caller, string serverId, string? returnPath, CancellationToken cancellationToken);

    /// <summary>
    /// The browser is back. Only the user who began may finish: somebody else's answer would connect one person's account to another.
    /// </summary>
    /// <param name="state">As the third party returned it.</param>
    /// <param name="answer">Its other parameters; the nonce is taken from the state.</param>
    /// <exception cref="NotAllowedException">The state was not made for this user, or not here.</exception>
    Task<ConnectOutcome> Complete(Principal caller, string? state, AuthorizationReturn answer, CancellationToken cancellationToken);

    /// <summary>False when there was nothing to disconnect; null when there is no such server.</summary>
    Task<bool?> Disconnect(Principal caller, string serverId, CancellationToken cancellationToken);

    /// <summary>Whether the user's next call would be told to connect an account first. Never throws: what cannot be told now is not needed now.</summary>
    Task<bool> IsNeeded(string userId, string serverId, CancellationToken cancellationToken);
}
