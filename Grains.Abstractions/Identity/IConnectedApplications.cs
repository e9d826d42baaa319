namespace Obot.Grains.Abstractions.Identity;

/// <summary>Port: the OAuth clients that users let in.</summary>
public interface IConnectedApplications
{
    /// <summary>The clients that a user agreed to, newest first.</summary>
    Task<IReadOnlyList<ConnectedApplication>> List(string userId, CancellationToken cancellationToken);

    /// <summary>
    /// Takes back what a user agreed to: consent, grants and all their tokens; refused everywhere within a second. False when the user
    /// never agreed to that client.
    /// </summary>
    /// <param name="userId">The user.</param>
    /// <param name="id"><see cref="ConnectedApplication.Id"/>.</param>
    Task<bool> Disconnect(string userId, string id, CancellationToken cancellationToken);
}

/// <param name="Id">Stable id of the client within the platform.</param>
/// <param name="ClientId">Its OAuth client id.</param>
/// <param name="Name">Its own word for itself; null when it has none.</param>
/// <param name="RedirectHosts">Where its answers go.</param>
/// <param name="Scopes">What the user agreed to.</param>
/// <param name="Since">When the user first agreed.</param>
/// <param name="LastUsed">When a token was last issued; null when none is left.</param>
public sealed record ConnectedApplication(
    string Id, string ClientId, string? Name, IReadOnlyList<string> RedirectHosts, IReadOnlyList<string> Scopes, DateTimeOffset Since, DateTimeOffset? LastUsed);
